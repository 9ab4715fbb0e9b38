//! When the answer to COMMIT is lost, the data may be stored or not: `CommitUnknown`, no effect of
//! either phase, a broken session, and a pool that goes on with another connection.

use super::pool;
use crate::database::*;
use crate::promises::stored;
use lback::Error;
use lback_tests::proxy::Cut;
use lback_tests::{Trace, new_user, note};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn lost(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lost {}", user.username));
}

fn lose(cut: Cut, lend: bool, remains: &[&str]) -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (proxy, url) = database.through_a_proxy();
    let trace = Trace::new();
    let pool = pool(&url, &trace);

    let mut session = pool.session()?;
    Users.create(&mut session, new_user("before"))?;
    assert_eq!(trace.take(), ["created before"]);
    proxy.cut(cut, "COMMIT");
    let unknown = session.transaction(|session| {
        session.on_commit(|session| {
            session.state::<Trace>().expect("it has one").note("never");
        });
        session.on_rollback(|session| {
            session.state::<Trace>().expect("it has one").note("never");
        });
        if lend {
            note(session.conn(), "lent")?;
        }
        Users.create(session, new_user("ada"))
    });

    assert!(proxy.has_cut());
    let Err(error @ Error::CommitUnknown { .. }) = unknown else {
        panic!("{unknown:?}");
    };
    assert!(!error.is_retryable(), "it might be stored twice");
    assert_eq!(trace.take(), [""; 0]);
    let refused = Users.create(&mut session, new_user("grace"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    let mut direct = database.session();
    assert_eq!(stored(&mut direct), remains);

    assert_eq!(pool.size(), (2, 1));
    drop(session);
    assert_eq!(pool.size().1, 1, "the broken one was not taken back");
    for name in ["zoe", "eve"] {
        pool.transaction(|session| Users.create(session, new_user(name)))?;
    }
    assert_eq!(trace.take(), ["created zoe", "created eve"]);
    Ok(())
}

#[test]
fn and_it_is_stored_if_the_server_had_executed_it() -> lback::Result<()> {
    lose(Cut::After, false, &["before", "ada"])
}

#[test]
fn and_it_is_not_if_the_server_never_had_it() -> lback::Result<()> {
    lose(Cut::Before, false, &["before"])
}

#[test]
fn and_the_same_after_the_connection_was_lent() -> lback::Result<()> {
    lose(Cut::After, true, &["before", "ada"])?;
    lose(Cut::Before, true, &["before"])
}

/// An operation alone has a transaction of its own: a connection that is lost at its statement has
/// stored nothing, and that is certain.
#[test]
fn and_what_is_lost_before_commit_is_not() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Trace::new());
    let ada = Users.create(&mut session, new_user("ada"))?;
    let mut holder = database.session();
    let mut watcher = database.connection();
    let number = number_of(session.conn());

    let (lost, mut session) = holder.transaction(|holder| {
        super::deactivate(holder.conn(), ada.id)?;
        let thread = std::thread::spawn(move || {
            let lost = Users.delete(&mut session, ada.id);
            (lost, session)
        });
        lback_tests::server::wait_until("it waits", || waits_for_a_lock(&mut watcher, number));
        kill(&mut watcher, number);
        lback::Result::Ok(thread.join().expect("no panic"))
    })?;

    assert!(matches!(lost, Err(Error::Database(_))), "{lost:?}");
    assert!(Users.find(&mut holder, ada.id)?.is_some());
    let refused = Users.find(&mut session, ada.id);
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    Ok(())
}

#[test]
fn and_the_same_of_an_operation_alone() -> lback::Result<()> {
    for (cut, is_stored) in [(Cut::After, true), (Cut::Before, false)] {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let (proxy, url) = database.through_a_proxy();
        let trace = Trace::new();
        let mut session = pool(&url, &trace).session()?;
        Users.create(&mut session, new_user("ada"))?;
        assert_eq!(trace.take(), ["created ada"]);

        proxy.cut(cut, "COMMIT");
        let unknown = Users.create(&mut session, new_user("grace"));
        assert!(proxy.has_cut());
        assert!(
            matches!(unknown, Err(Error::CommitUnknown { .. })),
            "{unknown:?}"
        );
        assert_eq!(trace.take(), [""; 0]);
        let stored = Users.count(&mut database.session())?;
        assert_eq!(stored == 2, is_stored, "{cut:?}");
    }
    Ok(())
}
