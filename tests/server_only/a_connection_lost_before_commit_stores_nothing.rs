//! A connection that is lost before, during or after a write, and before COMMIT was sent, is an
//! error like any other: nothing is stored, after-rollback effects run, after-commit ones do not. The
//! session is broken, and a pool goes on with another connection.

use super::{cut_off, deactivate, inactive, pool};
use crate::database::*;
use crate::promises::stored;
use lback::Error;
use lback_tests::server::wait_until;
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

struct Case {
    database: Database,
    pool: lback::Database<Native>,
    trace: Trace,
    session: Session,
    ada: User,
}

fn case() -> Option<Case> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let pool = pool(&database.url(), &trace);
    let mut session = pool.session().expect("one is free");
    let ada = Users.create(&mut session, new_user("ada"));
    let ada = ada.expect("nothing is in the way");
    trace.take();
    Some(Case {
        database,
        pool,
        trace,
        session,
        ada,
    })
}

impl Case {
    /// What holds after every loss.
    fn is_over<T: std::fmt::Debug>(mut self, lost: &lback::Result<T>, traced: &[&str]) {
        assert!(
            matches!(lost, Err(Error::Database(_) | Error::SessionBroken)),
            "{lost:?}"
        );
        assert_eq!(self.trace.take(), traced);
        let refused = Users.find(&mut self.session, &self.ada);
        assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
        assert_eq!(stored(&mut self.database.session()), ["ada"]);

        drop(self.session);
        assert_eq!(self.pool.size().1, 1, "the broken one was not taken back");
        for name in ["zoe", "eve"] {
            let created = (self.pool).transaction(|session| Users.create(session, new_user(name)));
            created.expect("the pool goes on");
        }
        assert_eq!(self.trace.take(), ["created zoe", "created eve"]);
    }
}

#[test]
fn before_a_transaction() {
    let Some(mut case) = case() else { return };
    cut_off(&case.database, &mut case.session);
    let lost = (case.session).transaction(|session| Users.create(session, new_user("grace")));
    case.is_over(&lost, &[]);
}

#[test]
fn before_a_write() {
    let Some(mut case) = case() else { return };
    let lost = case.session.transaction(|session| {
        cut_off(&case.database, session);
        Users.create(session, new_user("grace"))
    });
    case.is_over(&lost, &[]);
}

#[test]
fn after_a_write_in_a_nested_level() {
    let Some(mut case) = case() else { return };
    let lost = case.session.transaction(|session| {
        Users.create(session, new_user("grace"))?;
        session.transaction(|session| {
            Users.create(session, new_user("eve"))?;
            cut_off(&case.database, session);
            lback::Result::Ok(())
        })
    });
    case.is_over(&lost, &["lost grace", "lost eve"]);
}

#[test]
fn during_a_write() {
    let Some(mut case) = case() else { return };
    let mut holder = case.database.session();
    let mut watcher = case.database.connection();
    let number = number_of(case.session.conn());
    let ada = case.ada.id;

    let (lost, session) = holder
        .transaction(|holder| {
            deactivate(holder.conn(), ada)?;
            let mut session = case.session;
            let thread = std::thread::spawn(move || {
                let lost = session.transaction(|session| {
                    Users.create(session, new_user("grace"))?;
                    Users.update(session, ada, inactive())
                });
                (lost, session)
            });
            wait_until("it waits", || waits_for_a_lock(&mut watcher, number));
            kill(&mut watcher, number);
            lback::Result::Ok(thread.join().expect("no panic"))
        })
        .expect("nothing is in its way");

    let case = Case { session, ..case };
    case.is_over(&lost, &["lost grace"]);
}

#[test]
fn between_a_write_and_commit() {
    let Some(mut case) = case() else { return };
    let number = number_of(case.session.conn());
    let lost = case.session.transaction(|session| {
        let grace = Users.create(session, new_user("grace"));
        kill(&mut case.database.connection(), number);
        grace
    });
    // MySQL has nothing to check here, so only the answer to COMMIT tells.
    if let Err(Error::CommitUnknown { .. }) = &lost {
        assert_eq!(NAME, "MySQL");
        assert_eq!(stored(&mut case.database.session()), ["ada"]);
        assert_eq!(case.trace.take(), [""; 0]);
        return;
    }
    case.is_over(&lost, &["lost grace"]);
}

#[test]
fn between_a_write_and_commit_after_the_connection_was_lent() {
    let Some(mut case) = case() else { return };
    let lost = case.session.transaction(|session| {
        note(session.conn(), "lent")?;
        let grace = Users.create(session, new_user("grace"));
        cut_off(&case.database, session);
        grace
    });
    case.is_over(&lost, &["lost grace"]);
}
