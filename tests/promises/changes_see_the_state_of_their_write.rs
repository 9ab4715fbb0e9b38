//! That of the row's last write, though its scope has ended when the change is told.

use super::traced;
use crate::database::*;
use lback_tests::{Trace, new_user};

own_repository!(
    Users: entity = lback::User,
    table = lback::schema::users,
    insert = lback::NewUser,
    update = lback::UserChanges,
    shared_entity,
    changes
);

struct Actor(&'static str);

#[receiver(user_changed)]
fn told(change: &Change<User>, #[state] actor: &Actor, #[state] trace: &Trace) {
    trace.note(format!("{} by {}", change.either().username, actor.0));
}

#[receiver(user_changed, after_commit)]
fn later(change: &Change<User>, #[state] actor: &Actor, #[state] trace: &Trace) {
    trace.note(format!("{} was by {}", change.either().username, actor.0));
}

#[test]
fn of_the_last_one() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_state(Actor("nobody"));
    session.transaction(|session| {
        let (one, two) = session.with(Actor("ada"), |session| {
            let one = Users.create(session, new_user("one"))?;
            let two = Users.create(session, new_user("two"))?;
            lback::Result::Ok((one, two))
        })?;
        session.with(Actor("grace"), |session| {
            let changes = UserChanges {
                is_active: Some(false),
                ..UserChanges::default()
            };
            Users.update(session, two.id, changes)
        })?;
        // What is undone is not the last.
        let undone: lback::Result<()> = session.with(Actor("eve"), |session| {
            session.transaction(|session| {
                Users.delete(session, one.id)?;
                Err(super::refused())
            })
        });
        assert!(undone.is_err());
        session.before_commit(|session: &mut Session| {
            assert_eq!(
                session.state::<Actor>().map(|actor| actor.0),
                Some("nobody")
            );
        });
        session.with(Actor("alan"), |session| {
            session.before_commit(|session: &mut Session| {
                assert_eq!(session.state::<Actor>().map(|actor| actor.0), Some("alan"));
            });
        });
        lback::Result::Ok(())
    })?;
    assert_eq!(
        trace.take(),
        [
            "one by ada",
            "two by grace",
            "one was by ada",
            "two was by grace"
        ]
    );
    Ok(())
}

#[test]
fn one_that_is_missing_fails_before_the_write() {
    let Some((_database, mut session, _trace)) = traced() else {
        return;
    };
    let refused = Users.create(&mut session, new_user("ada"));
    assert!(matches!(refused, Err(lback::Error::StateMissing { .. })));
    assert_eq!(lback_tests::count("users", &mut session), 0);
}
