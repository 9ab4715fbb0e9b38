//! Programs that are run while something fails, and what may be stored afterwards.
//!
//! A program is some writes, alone or in transactions. It is run through a session, and each step
//! says `Ok` or `Err`; from these answers alone follows what must be in the database, and which
//! effects must have run. Whether the answers were true is for the test to find out, by another
//! connection, once nothing fails any more.

mod judge;
mod program;
mod run;
mod world;

pub use self::judge::{Seen, judge};
pub use self::program::{Hearers, Operation, Program, SEEDS, Step, programs};
pub use self::run::run;
pub use self::world::{Told, World};

/// Declares `Users`, a repository of the module's own, with effects of both phases that note into
/// the [`Trace`](crate::Trace) what they were queued for. Further receivers stand beside it.
#[macro_export]
macro_rules! users_with_effects {
    ($connection:ident) => {
        lback_tests::own_users!($connection);

        #[receiver(user_post_create, after_commit)]
        fn created(user: &User, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("created {}", user.username));
        }

        #[receiver(user_post_update, after_commit)]
        fn updated(user: &User, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("updated {}", user.username));
        }

        #[receiver(user_post_delete, after_commit)]
        fn deleted(user: &User, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("deleted {}", user.username));
        }

        #[receiver(user_pre_create, after_rollback)]
        fn not_created(data: &NewUser, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("not created {}", data.username));
        }

        #[receiver(user_pre_update, after_rollback)]
        fn not_updated(user: &User, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("not updated {}", user.username));
        }

        #[receiver(user_pre_delete, after_rollback)]
        fn not_deleted(user: &User, #[state] trace: &lback_tests::Trace) {
            trace.note(format!("not deleted {}", user.username));
        }
    };
}

/// The repositories of a trial, one module for each of [`Hearers`]: nobody listens, effects do,
/// receivers write inside the operation, or an isolated receiver does.
#[macro_export]
macro_rules! trial_repositories {
    ($connection:ident) => {
        mod nobody {
            use super::*;
            lback_tests::own_users!($connection);
        }

        mod effects {
            use super::*;
            lback_tests::users_with_effects!($connection);
        }

        mod writers {
            use super::*;
            lback_tests::users_with_effects!($connection);

            #[receiver(user_post_create)]
            fn note_created(user: &User, conn: &mut $connection) -> QueryResult<()> {
                lback_tests::note(conn, &format!("created {}", user.username))
            }

            #[receiver(user_post_delete)]
            fn note_deleted(user: &User, conn: &mut $connection) -> QueryResult<()> {
                lback_tests::note(conn, &format!("deleted {}", user.username))
            }

            /// Uses the repository that has called it.
            #[receiver(user_post_update)]
            fn create_a_shadow(user: &User, session: &mut Session) -> lback::Result<()> {
                let shadow = format!("{} shadow", user.username);
                Users
                    .create(session, lback_tests::new_user(&shadow))
                    .map(drop)
            }

            /// An effect that writes has a transaction of its own, which may fail as any other.
            #[receiver(user_post_create, after_commit, order = 1)]
            fn note_later(user: &User, session: &mut Session, #[state] trace: &lback_tests::Trace) {
                let what = format!("after {}", user.username);
                let noted =
                    session.transaction(|session| Ok(lback_tests::note(session.conn(), &what)?));
                let answer = match noted {
                    Ok(()) => "stored",
                    Err(lback::Error::CommitUnknown { .. }) => "unknown",
                    Err(_) => "failed",
                };
                trace.note(format!("{answer}: {what}"));
            }
        }

        mod isolated {
            use super::*;
            lback_tests::users_with_effects!($connection);

            #[receiver(user_post_create, on_error = "isolate")]
            fn note_created(user: &User, conn: &mut $connection) -> QueryResult<()> {
                lback_tests::note(conn, &format!("isolated {}", user.username))
            }
        }

        /// Runs a program through the repository whose hearers it names.
        fn run_trial(
            session: &mut Session,
            seeds: &std::collections::BTreeMap<&'static str, UserId>,
            program: &lback_tests::trial::Program,
        ) -> lback_tests::trial::Told {
            use lback_tests::trial::{Hearers, run};
            match program.hearers {
                Hearers::Nobody => run(session, &nobody::Users, seeds, program),
                Hearers::Effects => run(session, &effects::Users, seeds, program),
                Hearers::Writers => run(session, &writers::Users, seeds, program),
                Hearers::Isolated => run(session, &isolated::Users, seeds, program),
            }
        }
    };
}
