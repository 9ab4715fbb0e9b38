//! A server that is stopped, and one that is killed, under load: nothing is lost that was reported
//! committed, no effect runs for anything that was not, and the pool recovers without help.
//!
//! It starts servers of its own, so that the other tests keep theirs; where the programs for that
//! are missing, it says so.

#![cfg(any(feature = "postgres", feature = "mysql"))]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lback_tests::services::Services;

const THREADS: usize = 8;

/// What is sent through a process that is killed must be on its way to the disk by then; and a lock
/// that was waited for too long rolls back as a whole here.
const MYSQL_OPTIONS: &str = "--innodb-flush-log-at-trx-commit=2 --innodb-rollback-on-timeout=ON";

fn up(database: &str) -> Option<(Services, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("restart-{database}"));
    Services::up(folder, database, &[("LBACK_MYSQL_OPTIONS", MYSQL_OPTIONS)])
}

/// What the threads were told, and what the effects saw.
#[derive(Default)]
struct Ledger {
    committed: Mutex<BTreeSet<String>>,
    unknown: Mutex<BTreeSet<String>>,
    effects: Mutex<Vec<String>>,
    undone: Mutex<Vec<String>>,
    errors: AtomicU64,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! restart_on {
    ($database:ident, $connection:ident, crash: $crash:literal, then: $then:expr) => {
        mod $database {
            use std::sync::Arc;

            use lback::Error;
            use lback::$database::{prelude::*, users::*};
            use lback_tests::new_user;

            use super::*;

            lback_tests::own_users!($connection);

            #[receiver(user_post_create, after_commit)]
            fn created(user: &User, #[state] ledger: &Arc<Ledger>) {
                lock(&ledger.effects).push(user.username.clone());
            }

            #[receiver(user_post_create, after_rollback)]
            fn undone(user: &User, #[state] ledger: &Arc<Ledger>) {
                lock(&ledger.undone).push(user.username.clone());
            }

            fn load(pool: &lback::Database<$connection>, ledger: &Ledger, thread: usize) {
                for number in 0.. {
                    if ledger.is_over.load(Ordering::Acquire) {
                        return;
                    }
                    let name = format!("user {thread} {number}");
                    let created = pool.transaction(|session| {
                        Users.create(session, new_user(&name))?;
                        session.transaction(|session| {
                            Users.create(session, new_user(&format!("{name} too")))
                        })
                    });
                    match created {
                        Ok(_) => {
                            lock(&ledger.committed).insert(name);
                        }
                        Err(Error::CommitUnknown { .. }) => {
                            lock(&ledger.unknown).insert(name);
                        }
                        Err(
                            error @ (Error::Database(_)
                            | Error::Connection { .. }
                            | Error::SessionBroken
                            | Error::TransactionAborted { .. }),
                        ) => {
                            assert!(!error.is_retryable(), "{error}");
                            ledger.errors.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            }

            fn committed(ledger: &Ledger) -> usize {
                lock(&ledger.committed).len()
            }

            /// Waits until a good number more has been committed.
            fn work_on(ledger: &Ledger) {
                let before = committed(ledger);
                let start = std::time::Instant::now();
                while committed(ledger) < before + 50 {
                    assert!(start.elapsed() < Duration::from_secs(60), "nothing goes on");
                    std::thread::sleep(Duration::from_millis(10));
                }
            }

            #[test]
            fn nothing_is_lost_and_nothing_is_made_up() -> lback::Result<()> {
                let Some((services, url)) = up(stringify!($database)) else {
                    return Ok(());
                };
                lback::$database::migrate(&mut lback::$database::connect(&url)?)?;
                let ledger = Arc::new(Ledger::default());
                let pool = lback::Database::<$connection>::builder()
                    .max_size(4)
                    .wait(Duration::from_secs(2))
                    .with_state(Arc::clone(&ledger))
                    .connect(&url)?;

                std::thread::scope(|scope| {
                    let _over = Over(&ledger);
                    for thread in 0..THREADS {
                        let (pool, ledger) = (&pool, &ledger);
                        scope.spawn(move || load(pool, ledger, thread));
                    }
                    work_on(&ledger);
                    for how in ["", $crash] {
                        let mut stop = vec!["stop", stringify!($database), how];
                        stop.retain(|argument| !argument.is_empty());
                        services.done(&stop);
                        std::thread::sleep(Duration::from_millis(500));
                        services.done(&["start", stringify!($database)]);
                        work_on(&ledger);
                    }
                });

                let mut session = lback::$database::connect(&url)?;
                let stored: BTreeSet<String> = users::table
                    .select(users::username)
                    .load::<String>(session.conn())?
                    .into_iter()
                    .collect();
                let (committed, unknown) = (lock(&ledger.committed), lock(&ledger.unknown));
                println!(
                    "{}: {} committed, {} unknown, {} errors",
                    stringify!($database),
                    committed.len(),
                    unknown.len(),
                    ledger.errors.load(Ordering::Relaxed),
                );
                assert!(
                    ledger.errors.load(Ordering::Relaxed) > 0,
                    "it never stood still"
                );
                for name in committed.iter() {
                    for name in [name.clone(), format!("{name} too")] {
                        assert!(stored.contains(&name), "{name} was reported committed");
                    }
                }
                for name in &stored {
                    let name = name.trim_end_matches(" too");
                    assert!(
                        committed.contains(name) || unknown.contains(name),
                        "{name} was reported failed"
                    );
                    assert!(stored.contains(&format!("{name} too")), "half of {name}");
                }
                let mut effects = std::mem::take(&mut *lock(&ledger.effects));
                effects.sort();
                let mut expected: Vec<String> = committed
                    .iter()
                    .flat_map(|name| [name.clone(), format!("{name} too")])
                    .collect();
                expected.sort();
                assert_eq!(effects, expected);
                for name in lock(&ledger.undone).iter() {
                    assert!(!stored.contains(name), "{name} was reported undone");
                }
                let then: fn(&str, &mut Session) -> lback::Result<()> = $then;
                then(&url, &mut session)
            }
        }
    };
}

/// Ends the load, also when the test panics.
struct Over<'l>(&'l Ledger);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
    }
}

#[cfg(feature = "postgres")]
restart_on!(postgres, PgConnection, crash: "immediate", then: |_, _| Ok(()));

#[cfg(feature = "mysql")]
restart_on!(mysql, MysqlConnection, crash: "-KILL", then: timeouts_end_the_transaction);

/// Where the server is told so, a lock that was waited for too long rolls back the whole transaction:
/// what follows in it is refused, and nothing of it is stored.
#[cfg(feature = "mysql")]
fn timeouts_end_the_transaction(
    url: &str,
    session: &mut lback::mysql::Session,
) -> lback::Result<()> {
    use diesel::connection::SimpleConnection;
    use lback::Error;
    use lback::mysql::{prelude::*, users::*};
    use lback_tests::new_user;

    let users = lback::mysql::users::UserRepository::new();
    let ada = users.create(session, new_user("ada"))?;
    let inactive = || UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    let mut other = lback::mysql::connect(url)?;
    let before = users.count(session)?;
    (session.conn()).batch_execute("SET innodb_lock_wait_timeout = 1")?;

    for nested in [false, true] {
        let failed = other.transaction(|other| {
            users.update(other, &ada, inactive())?;
            let failed = session.transaction(|session| {
                users.create(session, new_user("grace"))?;
                let waited = if nested {
                    session.transaction(|session| users.update(session, &ada, inactive()))
                } else {
                    users.update(session, &ada, inactive())
                };
                assert!(
                    waited.as_ref().is_err_and(Error::is_retryable),
                    "{waited:?}"
                );
                let refused = users.create(session, new_user("eve"));
                assert!(
                    matches!(refused, Err(Error::TransactionAborted { .. })),
                    "{refused:?}"
                );
                lback::Result::Ok(())
            });
            lback::Result::Ok(failed)
        })?;
        let Err(error @ Error::TransactionAborted { .. }) = failed else {
            panic!("{failed:?}");
        };
        assert!(error.is_retryable(), "{error}");
        assert_eq!(users.count(session)?, before);
    }
    Ok(())
}
