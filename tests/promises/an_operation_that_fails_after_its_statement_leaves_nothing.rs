//! The row was written, and then something fails: what comes back cannot be read, or an effect cannot
//! be queued. Alone, the operation is undone; inside a transaction, the transaction cannot commit half
//! of it. What can be known before the statement fails before it.

use lback::Error;
use lback_tests::Trace;
use lback_tests::parcels::{Parcel, ParcelChanges, create_table, parcel, parcels, unreadable};

use crate::database::*;
use crate::promises::panic_of;

/// Nobody listens.
mod quiet {
    use super::*;

    own_parcels!();
}

/// Only effects listen, so there is no savepoint.
mod effects {
    use super::*;

    own_parcels!();

    #[receiver(parcel_post_create, parcel_post_update, after_commit)]
    fn stored(parcel: &Parcel, #[state] trace: &Trace) {
        trace.note(format!("stored {}", parcel.content));
    }

    #[receiver(parcel_pre_create, after_rollback)]
    fn lost(data: &lback_tests::parcels::NewParcel, session: &mut Session) {
        if let Some(trace) = session.state::<Trace>() {
            trace.note(format!("lost {}", data.content));
        }
    }

    #[receiver(
        parcel_post_create,
        after_commit,
        when = |parcel: &Parcel| {
            assert!(parcel.content != "doubtful", "a condition that panics");
            false
        }
    )]
    fn never() {}
}

fn opened() -> Option<(Database, Session)> {
    let database = Database::empty()?;
    let mut session = database.session();
    create_table(session.conn(), MADE_KEY, "");
    Some((database, session))
}

fn contents(database: &Database) -> Vec<String> {
    parcels::table
        .select(parcels::content)
        .order(parcels::id)
        .load(&mut database.connection())
        .expect("they can be read")
}

fn lose_it() -> ParcelChanges {
    ParcelChanges {
        content: Some("changed".to_owned()),
        state: Some("lost".to_owned()),
    }
}

#[test]
fn a_row_that_cannot_be_read_back_alone() {
    let Some((database, session)) = opened() else {
        return;
    };
    let trace = Trace::new();
    let mut session = session.with_state(trace.clone());
    let created = quiet::Parcels.create(&mut session, unreadable("a"));
    assert!(created.is_err(), "{created:?}");
    let created = effects::Parcels.create(&mut session, unreadable("b"));
    assert!(created.is_err(), "{created:?}");
    assert_eq!(trace.take(), ["lost b"]);
    let created = quiet::Parcels.create_many(&mut session, [parcel("c"), unreadable("d")]);
    assert!(created.is_err(), "{created:?}");
    assert_eq!(contents(&database), [""; 0]);

    let kept = quiet::Parcels.create(&mut session, parcel("kept")).unwrap();
    for updated in [
        quiet::Parcels.update(&mut session, kept.id, lose_it()),
        effects::Parcels.update(&mut session, kept.id, lose_it()),
    ] {
        assert!(updated.is_err(), "{updated:?}");
    }
    assert_eq!(contents(&database), ["kept"]);
}

#[test]
fn inside_a_transaction_it_spoils_the_whole() {
    let Some((database, mut session)) = opened() else {
        return;
    };
    let passed_over: lback::Result<()> = session.transaction(|session| {
        quiet::Parcels.create(session, parcel("before"))?;
        assert!(quiet::Parcels.create(session, unreadable("a")).is_err());
        let after = quiet::Parcels.create(session, parcel("after"));
        assert!(
            matches!(after, Err(Error::TransactionAborted { .. })),
            "{after:?}"
        );
        Ok(())
    });
    assert!(
        matches!(passed_over, Err(Error::TransactionAborted { .. })),
        "{passed_over:?}"
    );
    assert_eq!(contents(&database), [""; 0]);
}

#[test]
fn and_a_nested_level_heals_it() {
    let Some((database, mut session)) = opened() else {
        return;
    };
    session
        .transaction(|session| {
            quiet::Parcels.create(session, parcel("before"))?;
            let inner =
                session.transaction(|session| quiet::Parcels.create(session, unreadable("a")));
            assert!(inner.is_err());
            quiet::Parcels.create(session, parcel("after"))
        })
        .unwrap();
    assert_eq!(contents(&database), ["before", "after"]);
}

#[test]
fn a_state_that_an_effect_lacks_is_missed_before_the_statement() {
    let Some((database, mut session)) = opened() else {
        return;
    };
    let alone = effects::Parcels.create(&mut session, parcel("a"));
    assert!(
        matches!(alone, Err(Error::StateMissing { .. })),
        "{alone:?}"
    );
    session
        .transaction(|session| {
            let inside = effects::Parcels.create(session, parcel("b"));
            assert!(
                matches!(inside, Err(Error::StateMissing { .. })),
                "{inside:?}"
            );
            let kept = quiet::Parcels.create(session, parcel("kept"))?;
            let updated = effects::Parcels.update(session, kept.id, lose_it());
            assert!(
                matches!(updated, Err(Error::StateMissing { .. })),
                "{updated:?}"
            );
            lback::Result::Ok(())
        })
        .expect("nothing was written that could not stay");
    assert_eq!(contents(&database), ["kept"]);
}

#[test]
fn a_state_is_not_missed_by_who_is_muted() {
    let Some((database, mut session)) = opened() else {
        return;
    };
    session
        .mute_all(|session| effects::Parcels.create(session, parcel("a")))
        .expect("nobody asks");
    assert_eq!(contents(&database), ["a"]);
}

/// A snapshot's `Clone` and a condition are the user's, and run after the statement.
#[test]
fn a_panic_while_an_effect_is_queued() {
    for content in ["fragile", "doubtful"] {
        let Some((database, session)) = opened() else {
            return;
        };
        let trace = Trace::new();
        let mut session = session.with_state(trace.clone());
        panic_of(|| effects::Parcels.create(&mut session, parcel(content)));
        assert_eq!(contents(&database), [""; 0], "alone");

        let passed_over: lback::Result<()> = session.transaction(|session| {
            quiet::Parcels.create(session, parcel("before"))?;
            panic_of(|| effects::Parcels.create(session, parcel(content)));
            Ok(())
        });
        assert!(
            matches!(passed_over, Err(Error::TransactionAborted { .. })),
            "{passed_over:?}"
        );
        assert_eq!(contents(&database), [""; 0], "inside");
        assert_eq!(
            trace.take(),
            [format!("lost {content}"), format!("lost {content}")]
        );
        quiet::Parcels
            .create(&mut session, parcel("later"))
            .unwrap();
        assert_eq!(contents(&database), ["later"]);
    }
}

/// What is not there is no half operation: the transaction goes on.
#[test]
fn a_row_that_is_not_there_spoils_nothing() {
    let Some((database, mut session)) = opened() else {
        return;
    };
    session
        .transaction(|session| {
            let updated = quiet::Parcels.update(session, 99, lose_it());
            assert!(
                matches!(updated, Err(Error::NotFound { .. })),
                "{updated:?}"
            );
            let deleted = quiet::Parcels.delete(session, 99);
            assert!(
                matches!(deleted, Err(Error::NotFound { .. })),
                "{deleted:?}"
            );
            quiet::Parcels.create(session, parcel("kept"))
        })
        .unwrap();
    assert_eq!(contents(&database), ["kept"]);
}
