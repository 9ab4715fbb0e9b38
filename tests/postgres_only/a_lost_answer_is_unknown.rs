//! A connection that is ended while the server works at COMMIT: `CommitUnknown`, and no effect of
//! either phase.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::traced;
use lback::Error;
use lback_tests::server::wait_until;
use lback_tests::{Trace, new_user, note, notes};

own_users!();

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn lost(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lost {}", user.username));
}

#[receiver(user_pre_create, after_rollback)]
fn attempted(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("attempted {}", data.username));
}

#[test]
fn while_the_server_works_at_commit() -> lback::Result<()> {
    let Some((database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let mut watcher = database.connection();
    watcher.batch_execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION dawdle()",
    )?;
    let number = number_of(session.conn());

    let thread = std::thread::spawn(move || {
        let unknown = session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            Ok(note(session.conn(), "slow")?)
        });
        (unknown, session)
    });
    let works = format!(
        "EXISTS (SELECT FROM pg_stat_activity \
         WHERE pid = {number} AND query = 'COMMIT' AND wait_event = 'PgSleep')"
    );
    let works = diesel::dsl::sql::<diesel::sql_types::Bool>(&works);
    wait_until("it commits", || {
        diesel::select(works.clone())
            .get_result::<bool>(&mut watcher)
            .expect("the server answers")
    });
    kill(&mut watcher, number);
    let (unknown, mut session) = thread.join().expect("no panic");

    assert!(
        matches!(unknown, Err(Error::CommitUnknown { .. })),
        "{unknown:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    let refused = session.transaction(|_| lback::Result::Ok(()));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    assert_eq!(notes(&mut database.session()), [""; 0]);
    Ok(())
}
