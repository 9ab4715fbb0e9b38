//! `std::mem::swap` on two sessions inside a closure: an error, never a transaction that nobody ends,
//! an effect of what is not stored, or a scope that stays.

use std::mem::swap;

use lback::Error;
use lback_tests::{Trace, new_user};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

fn two() -> Option<(Database, Session, Session, Trace)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let session = || database.session().with_state(trace.clone());
    let (one, other) = (session(), session());
    Some((database, one, other, trace))
}

#[test]
fn with_an_idle_one() {
    let Some((database, mut session, mut idle, trace)) = two() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        swap(session, &mut idle);
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    // What stands in `idle` now has the transaction open that nobody ends.
    let refused = Users.create(&mut idle, new_user("grace"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    drop(idle);
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
    // The other has done nothing.
    Users.create(&mut session, new_user("zoe")).unwrap();
    assert_eq!(trace.take(), ["welcome zoe"]);
}

#[test]
fn two_that_are_both_in_a_transaction() {
    let Some((database, mut one, mut other, trace)) = two() else {
        return;
    };
    if NAME == "SQLite" {
        // It has one writer at a time.
        return;
    }
    let done = one.transaction(|one| {
        Users.create(one, new_user("ada"))?;
        let inner = other.transaction(|other| {
            Users.create(other, new_user("grace"))?;
            swap(one, other);
            lback::Result::Ok(())
        });
        assert!(matches!(inner, Err(Error::SessionSwapped)), "{inner:?}");
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    drop((one, other));
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn one_that_is_replaced() {
    let Some((database, mut session, _idle, trace)) = two() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        *session = database.session().with_state(trace.clone());
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn a_scope_does_not_pass_to_the_other() {
    let Some((_database, mut session, mut idle, trace)) = two() else {
        return;
    };
    session.mute_all(|session| swap(session, &mut idle));
    Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(trace.take(), ["welcome ada"], "the other was never muted");
    let refused = Users.create(&mut idle, new_user("grace"));
    assert!(
        matches!(refused, Err(Error::SessionBroken)),
        "nobody can end the scope of the muted one: {refused:?}"
    );

    let Some((_database, mut session, mut idle, _trace)) = two() else {
        return;
    };
    let ((), recording) = session.record(|session| swap(session, &mut idle));
    assert!(recording.events().is_empty());
    session.with(7_u8, |session| swap(session, &mut idle));
}
