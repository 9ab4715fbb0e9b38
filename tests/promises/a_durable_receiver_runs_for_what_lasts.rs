//! A row is stored for a durable receiver by the transaction that sends its signal: with it or not at all,
//! as savepoints, mute and `when` decide. It is delivered once, and then gone.

use crate::database::*;
use lback::outbox::Delivery;
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "lasts.welcome")]
fn welcome(user: &User, #[state] trace: &Trace, #[state] delivery: &Delivery) {
    let what = (delivery.receiver, delivery.signal, delivery.attempt);
    assert_eq!(what, ("lasts.welcome", "user_post_create", 1));
    trace.note(format!("welcome {}", user.username));
}

#[receiver(user_post_create, durable, id = "lasts.some", when = |user: &User| user.username.ends_with('!'))]
fn some(user: User, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("{} {}", signal.name(), user.username));
}

#[receiver(user_post_update, durable, id = "lasts.changed")]
fn changed(user: &User, previous: &User, update_data: &UserChanges, #[state] trace: &Trace) {
    let (is, was) = (&user.email, &previous.email);
    trace.note(format!("{was} > {is} {:?}", update_data.is_active));
}

#[test]
fn rows_are_stored_with_what_lasts() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());

    Users.create(&mut session, new_user("ada"))?;
    session.transaction(|session| {
        Users.create(session, new_user("bob"))?;
        let undone: lback::Result<()> = session.transaction(|session| {
            Users.create(session, new_user("nobody"))?;
            Err(lback::Invalid::new("nobody", "goes").into())
        });
        assert!(undone.is_err());
        session.mute(welcome, |session| Users.create(session, new_user("cyd!")))?;
        lback::Result::Ok(())
    })?;
    let refused: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("never"))?;
        Err(lback::Invalid::new("never", "goes").into())
    });
    assert!(refused.is_err());
    let again = Users.create(&mut session, new_user("ada"));
    assert!(
        matches!(again, Err(lback::Error::Duplicate { .. })),
        "{again:?}"
    );

    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(count("lback_outbox", &mut session), 3);
    assert_eq!(session.deliver_all()?.done, 3);
    let mut told = trace.take();
    told.sort_unstable();
    assert_eq!(
        told,
        ["user_post_create cyd!", "welcome ada", "welcome bob"]
    );
    assert_eq!(count("lback_outbox", &mut session), 0);
    assert_eq!(session.deliver_all()?.count(), 0);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn arguments_come_as_they_were() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada"))?;
    let changes = UserChanges {
        email: Some("new@example.com".into()),
        is_active: Some(false),
        ..Default::default()
    };
    Users.update(&mut session, &ada, changes)?;
    Users.delete(&mut session, ada.id)?;

    assert_eq!(session.deliver_all()?.done, 2);
    assert_eq!(
        trace.take(),
        [
            "welcome ada",
            "ada@example.com > new@example.com Some(false)"
        ]
    );
    Ok(())
}

#[test]
fn a_test_tells_what_was_stored_and_what_ran() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = Session::for_test(database.connection())?.with_state(Trace::new());

    let (ada, recording) = session.record(|session| Users.create(session, new_user("ada")));
    ada?;
    recording.assert_queued(welcome);
    recording.assert_stored(welcome);
    recording.assert_not_ran(welcome);
    recording.assert_skipped(some, lback::testing::SkipReason::When);
    assert_eq!(
        recording.to_string(),
        "user_pre_create sent\nuser_post_create sent\nlasts.some skipped by `when`, durable\n\
         lasts.welcome queued, durable\nlasts.welcome stored\n"
    );

    let (delivered, recording) = session.record(Session::deliver_all);
    assert_eq!(delivered?.done, 1);
    recording.assert_ran(welcome);
    session.take_failures().assert_none();
    drop(session);
    assert_eq!(count("lback_outbox", &mut database.session()), 0);
    Ok(())
}

mod changes {
    use super::*;

    own_repository!(
        Users: entity = lback::User,
        table = lback::schema::users,
        insert = lback::NewUser,
        update = lback::UserChanges,
        shared_entity,
        changes
    );

    #[receiver(user_changed, durable, id = "lasts.net")]
    fn net(change: &Change<User>, #[state] trace: &Trace) {
        trace.note(match change {
            Change::Created(user) => format!("+ {}", user.username),
            Change::Updated { before, after } => format!("{} > {}", before.email, after.email),
            Change::Deleted(user) => format!("- {}", user.username),
        });
    }

    #[test]
    fn changes_are_stored_too() -> lback::Result<()> {
        let Some(database) = Database::with_outbox() else {
            return Ok(());
        };
        let trace = Trace::new();
        let mut session = database.session().with_state(trace.clone());
        let ada = session.transaction(|session| {
            let ada = Users.create(session, new_user("ada"))?;
            let bob = Users.create(session, new_user("bob"))?;
            Users.delete(session, &bob)?;
            lback::Result::Ok(ada)
        })?;
        let moved = UserChanges {
            email: Some("new@example.com".into()),
            ..Default::default()
        };
        let ada = Users.update(&mut session, &ada, moved)?;
        Users.delete(&mut session, &ada)?;
        assert_eq!(session.deliver_all()?.done, 3);
        assert_eq!(
            trace.take(),
            ["+ ada", "ada@example.com > new@example.com", "- ada"]
        );
        Ok(())
    }
}
