//! Recorded, captured, muted, listed, ordered, isolated, and with `when`; what is muted is decided at
//! the write, and `when` when the change is told.

use super::traced;
use crate::database::*;
use lback::listing::{Phase, Timing};
use lback::testing::SkipReason;
use lback_tests::{Trace, new_user};

own_repository!(
    Users: entity = lback::User,
    table = lback::schema::users,
    insert = lback::NewUser,
    update = lback::UserChanges,
    shared_entity,
    changes
);

#[receiver(user_changed, order = 2)]
fn second(change: &Change<User>, signal: &SignalInfo, #[state] trace: &Trace) {
    assert_eq!(signal.timing(), Timing::Post);
    trace.note(format!("second {}", text(change)));
}

#[receiver(user_changed, before = second, order = 3)]
fn first(change: Change<User>, #[state] trace: &Trace) {
    trace.note(format!("first {}", text(&change)));
}

#[receiver(user_changed, order = 4, when = |change: &Change<User>| change.differs(|user| &user.email))]
fn of_addresses(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("address {}", change.either().email));
}

#[receiver(user_changed, after_commit, when = |change: &Change<User>| change.after().is_none())]
fn gone(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("gone {}", change.either().username));
}

mod unheard {
    use crate::database::*;

    own_repository!(
        Users: entity = lback::User,
        table = lback::schema::users,
        insert = lback::NewUser,
        update = lback::UserChanges,
        shared_entity,
        changes
    );
}

fn text(change: &Change<User>) -> String {
    let name = |user: Option<&User>| user.map_or("", |user| &user.username).to_owned();
    format!("{}>{}", name(change.before()), name(change.after()))
}

fn rename(name: &str) -> UserChanges {
    UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn it_is_listed() -> lback::Result<()> {
    let signal = format!("{}::user_changed", module_path!());
    let listed = lback::receivers()?.of(&signal);
    let names: Vec<_> = listed
        .iter()
        .filter_map(|it| it.id.rsplit("::").next())
        .collect();
    assert_eq!(names, ["first", "second", "of_addresses", "gone"]);
    let phases: Vec<_> = listed.iter().map(|it| it.phase).collect();
    assert_eq!(phases[2..], [Phase::InTransaction, Phase::AfterCommit]);
    lback::testing::assert_registered(gone, user_changed);
    Ok(())
}

#[test]
fn in_order_and_when_is_decided_at_the_telling() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("ada"))?;
    assert_eq!(
        trace.take(),
        ["first >ada", "second >ada", "address ada@example.com"]
    );
    session.transaction(|session| {
        let elsewhere = UserChanges {
            email: Some("ada@elsewhere.example.com".to_owned()),
            ..UserChanges::default()
        };
        Users.update(session, user.id, elsewhere)?;
        let back = UserChanges {
            email: Some("ada@example.com".to_owned()),
            ..UserChanges::default()
        };
        Users.update(session, user.id, back)?;
        Users.update(session, user.id, rename("grace"))
    })?;
    assert_eq!(trace.take(), ["first ada>grace", "second ada>grace"]);
    Users.delete(&mut session, user.id)?;
    assert_eq!(trace.take()[3], "gone grace");
    Ok(())
}

#[test]
fn it_is_recorded() -> lback::Result<()> {
    let Some((_database, mut session, _trace)) = traced() else {
        return Ok(());
    };
    let (user, recording) = session.record(|session| Users.create(session, new_user("ada")));
    let user = user?;
    recording.assert_sent_times(user_changed, 1);
    recording
        .in_order()
        .sent(user_pre_create)
        .sent(user_post_create)
        .sent(user_changed)
        .ran(first)
        .ran(second)
        .ran(of_addresses)
        .skipped(gone, SkipReason::When);

    let (_, recording) = session.record(|session| Users.update(session, user.id, rename("ann")));
    recording
        .in_order()
        .sent(user_changed)
        .skipped(of_addresses, SkipReason::When);

    let (deleted, recording) = session.record(|session| Users.delete(session, user.id));
    deleted?;
    recording
        .in_order()
        .sent(user_changed)
        .ran(second)
        .queued(gone)
        .ran(gone);

    // What has come and gone is not told, so nothing was sent.
    let (done, recording) = session.record(|session| {
        session.transaction(|session| {
            let bob = Users.create(session, new_user("bob"))?;
            Users.delete(session, bob.id)
        })
    });
    done?;
    recording.assert_not_sent(user_changed);

    // As others are, where nobody listens.
    let (_, recording) = session.record(|session| unheard::Users.create(session, new_user("eve")));
    recording.assert_sent(unheard::user_changed);
    Ok(())
}

#[test]
fn its_effects_are_captured() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("ada"))?;
    let (deleted, captured) = session.capture(|session| Users.delete(session, user.id));
    deleted?;
    captured.assert_pending_times(gone, 1);
    assert!(!trace.take().iter().any(|line| line.starts_with("gone")));
    Ok(())
}

#[test]
fn mute_is_decided_at_the_write() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("ada"))?;
    trace.take();
    session.transaction(|session| {
        Users.update(session, user.id, rename("one"))?;
        session.mute(second, |session| {
            Users.update(session, user.id, rename("two"))
        })?;
        session.mute(user_changed, |session| {
            Users.update(session, user.id, rename("three"))
        })?;
        session.mute_all(|session| Users.create(session, new_user("unheard")))
    })?;
    assert_eq!(trace.take(), ["first ada>two", "second ada>one"]);

    // Also where the writes of a row are joined, for want of room.
    session = session.with_max_changes(3);
    session.transaction(|session| {
        Users.update(session, user.id, rename("gene"))?;
        session.mute(second, |session| {
            ["joan", "ruth", "dora"]
                .iter()
                .try_for_each(|name| Users.update(session, user.id, rename(name)).map(drop))
        })
    })?;
    assert_eq!(trace.take(), ["first three>dora", "second three>gene"]);
    Users.update(&mut session, user.id, rename("three"))?;
    trace.take();

    // A row of which one receiver is not to hear at all.
    let (done, recording) = session.record(|session| {
        session.mute(second, |session| {
            Users.update(session, user.id, rename("four"))
        })
    });
    done?;
    recording
        .in_order()
        .sent(user_changed)
        .ran(first)
        .skipped(second, SkipReason::Muted);
    assert_eq!(trace.take(), ["first three>four"]);
    Ok(())
}

#[test]
fn a_session_with_a_registry_of_its_own_tells_those() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let only = lback::manual_registry![second]?;
    let mut session = session.with_registry(&only);
    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), ["second >ada"]);
    Ok(())
}

mod needing {
    use crate::database::*;

    own_repository!(
        Users: entity = lback::User,
        table = lback::schema::users,
        insert = lback::NewUser,
        update = lback::UserChanges,
        shared_entity,
        changes
    );

    pub(super) struct Press;

    #[receiver(user_changed, after_commit)]
    fn print(_change: &Change<User>, #[state] _press: &Press) {}
}

/// Before anything is written, and not when it is told: the transaction can go on.
#[test]
fn a_state_that_is_missing_is_missed_at_the_write() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session.transaction(|session| {
        let refused = needing::Users.create(session, new_user("ada"));
        assert!(
            matches!(refused, Err(lback::Error::StateMissing { .. })),
            "{refused:?}"
        );
        Users.create(session, new_user("grace"))
    })?;
    assert_eq!(trace.take()[0], "first >grace");
    // Who is muted needs nothing.
    session.mute(needing::user_changed, |session| {
        needing::Users.create(session, new_user("ada"))
    })?;
    let mut session = session.with_state(needing::Press);
    needing::Users.create(&mut session, new_user("joan"))?;
    session.take_failures().assert_none();
    Ok(())
}
