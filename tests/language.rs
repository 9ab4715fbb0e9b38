//! A server may speak another language, and its errors then have texts that nobody has written down.
//! Whatever fails in a transaction, what was said is true: nothing of it is stored without an `Ok`,
//! nothing is missing after one, and effects run accordingly. Where the session can choose the
//! language of its messages, it also tells what can be retried.
//!
//! It starts servers of its own; where the programs for that are missing, it says so.

#![cfg(any(feature = "postgres", feature = "mysql"))]

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use lback_tests::services::Services;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    Deadlock,
    LockTimeout,
    /// Another transaction has changed the row since this one began.
    Serialization,
    Duplicate,
    /// A statement that makes no sense.
    Nonsense,
}

const CONFLICTS: [Conflict; 5] = [
    Conflict::Deadlock,
    Conflict::LockTimeout,
    Conflict::Serialization,
    Conflict::Duplicate,
    Conflict::Nonsense,
];

/// How it goes wrong.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Through the connection, and not through the repository.
    is_raw: bool,
    /// In a nested transaction.
    is_nested: bool,
}

const WAYS: [Way; 4] = [
    Way {
        is_raw: false,
        is_nested: false,
    },
    Way {
        is_raw: false,
        is_nested: true,
    },
    Way {
        is_raw: true,
        is_nested: false,
    },
    Way {
        is_raw: true,
        is_nested: true,
    },
];

fn up(
    folder: &str,
    database: &str,
    settings: &[(&'static str, &'static str)],
) -> Option<(Services, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    Services::up(folder, database, settings)
}

/// Another connection, in the way of the session until it is told to leave.
struct Rival {
    leave: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Rival {
    fn leave(self) {
        let _ = self.leave.send(());
        self.thread.join().expect("the rival wins");
    }
}

macro_rules! language_on {
    ($database:ident, $connection:ident, notes: $notes:literal, settings: $settings:expr) => {
        mod $database {
            use diesel::connection::SimpleConnection;
            use lback::$database::{prelude::*, users::*};
            use lback::{Error, TransactionOptions};
            use lback::transaction::Isolation;
            use lback_tests::$database::{number_of, outlast_deadlocks, waits_for_a_lock};
            use lback_tests::server::wait_until;
            use lback_tests::{Trace, new_user};

            use super::*;

            lback_tests::users_with_effects!($connection);

            const NOTES: &str = $notes;

            fn inactive() -> UserChanges {
                UserChanges {
                    is_active: Some(false),
                    ..UserChanges::default()
                }
            }

            fn deactivate(conn: &mut $connection, user: UserId) -> QueryResult<usize> {
                diesel::update(users::table.find(user))
                    .set(users::is_active.eq(false))
                    .execute(conn)
            }

            fn plain(url: &str) -> $connection {
                $connection::establish(url).expect("the server answers")
            }

            /// Locks `held`, and then waits for `wanted`, if there is such a row, which the session
            /// has locked.
            fn rival(url: &str, held: UserId, wanted: Option<UserId>) -> Rival {
                let mut conn = plain(url);
                let number = number_of(&mut conn);
                let (leave, may_leave) = mpsc::channel::<()>();
                let (locked, has_locked) = mpsc::channel();
                let thread = std::thread::spawn(move || {
                    conn.batch_execute("BEGIN").expect("nothing is in the way");
                    if wanted.is_some() {
                        outlast_deadlocks(&mut conn);
                    }
                    deactivate(&mut conn, held).expect("nothing is in the way");
                    locked.send(()).expect("the test waits");
                    if let Some(wanted) = wanted {
                        deactivate(&mut conn, wanted).expect("the other loses");
                    }
                    let _ = may_leave.recv();
                    conn.batch_execute("ROLLBACK").expect("it is open");
                });
                has_locked.recv().expect("it locks");
                if wanted.is_some() {
                    let mut watcher = plain(url);
                    wait_until("the rival waits", || waits_for_a_lock(&mut watcher, number));
                }
                Rival { leave, thread }
            }

            /// One transaction, in whose middle something goes wrong and is passed over. Gives the
            /// error.
            fn pass_over(
                session: &mut Session,
                url: &str,
                conflict: Conflict,
                way: Way,
            ) -> Result<Error, String> {
                let trace: Trace = session.state::<Trace>().expect("it has one").clone();
                plain(url)
                    .batch_execute("DELETE FROM notes; DELETE FROM users")
                    .expect("nothing is in the way");
                let [ada, grace] = ["ada", "grace"]
                    .map(|name| Users.create(session, new_user(name)).expect("nothing is in the way"));
                trace.take();

                let mut options = TransactionOptions::new();
                if conflict == Conflict::Serialization {
                    options = options.isolation(Isolation::RepeatableRead);
                }
                let (mut in_the_way, mut failure, mut told) = (None, None, Vec::new());
                let result = session.transaction_with(&options, |session| {
                    if Users.create(session, new_user("first")).is_ok() {
                        told.push("first");
                    }
                    match conflict {
                        Conflict::Deadlock => {
                            deactivate(session.conn(), ada.id)?;
                            in_the_way = Some(rival(url, grace.id, Some(ada.id)));
                        }
                        Conflict::LockTimeout => in_the_way = Some(rival(url, grace.id, None)),
                        Conflict::Serialization => {
                            Users.find(session, &grace)?;
                            diesel::update(users::table.find(grace.id))
                                .set(users::email.eq("other@example.com"))
                                .execute(&mut plain(url))?;
                        }
                        Conflict::Duplicate | Conflict::Nonsense => {}
                    }
                    let fail = |session: &mut Session| -> lback::Result<()> {
                        match conflict {
                            Conflict::Duplicate if way.is_raw => {
                                let changed = diesel::update(users::table.find(ada.id))
                                    .set(users::username.eq("grace"))
                                    .execute(session.conn());
                                Ok(changed.map(drop)?)
                            }
                            Conflict::Duplicate => Users.create(session, new_user("ada")).map(drop),
                            Conflict::Nonsense => {
                                Ok(session.conn().batch_execute("SELECT nonsense")?)
                            }
                            _ if way.is_raw => Ok(deactivate(session.conn(), grace.id).map(drop)?),
                            _ => Users.update(session, &grace, inactive()).map(drop),
                        }
                    };
                    failure = if way.is_nested {
                        session.transaction(fail).err()
                    } else {
                        fail(session).err()
                    };
                    if Users.create(session, new_user("last")).is_ok() {
                        told.push("last");
                    }
                    lback::Result::Ok(())
                });
                if let Some(rival) = in_the_way {
                    rival.leave();
                }
                let Some(failure) = failure else {
                    return Err("nothing went wrong".to_owned());
                };

                let stored: Vec<String> = users::table
                    .filter(users::username.eq_any(["first", "last"]))
                    .order(users::id)
                    .select(users::username)
                    .load(&mut plain(url))
                    .expect("nothing is in the way");
                let effects: Vec<String> = trace
                    .take()
                    .into_iter()
                    .filter_map(|note| Some(note.strip_prefix("created ")?.to_owned()))
                    .collect();
                let expected: &[&str] = if result.is_ok() { &told } else { &[] };
                if stored != expected || effects != expected {
                    return Err(format!(
                        "{result:?} ({failure}): told {told:?}, stored {stored:?}, effects for {effects:?}"
                    ));
                }
                match Users.create(session, new_user("afterwards")) {
                    Ok(_) => Ok(failure),
                    Err(error) => Err(format!("the session does not work afterwards: {error}")),
                }
            }

            /// Everything that can go wrong, in every way. `speak` is what the session is told before,
            /// `direct` the address for all who are in its way.
            pub(super) fn try_everything(
                url: &str,
                direct: &str,
                speak: &str,
                is_told: bool,
                foreign: &str,
            ) {
                let mut lies = Vec::new();
                for conflict in CONFLICTS {
                    for way in WAYS {
                        let mut session = lback::$database::connect(url)
                            .expect("the server answers")
                            .with_state(Trace::new());
                        let settings: fn(Conflict) -> &'static str = $settings;
                        for statement in [speak, settings(conflict)] {
                            if !statement.is_empty() {
                                session.conn().batch_execute(statement).expect("a setting");
                            }
                        }
                        let failed = match pass_over(&mut session, direct, conflict, way) {
                            Err(lie) => {
                                lies.push(format!("{conflict:?} {way:?}: {lie}"));
                                continue;
                            }
                            Ok(failed) => failed,
                        };
                        let expected = matches!(
                            conflict,
                            Conflict::Deadlock | Conflict::LockTimeout | Conflict::Serialization
                        );
                        let says = failed.is_retryable();
                        println!("{conflict:?} {way:?}: retryable {says}: {failed}");
                        if says != expected && (is_told || says) {
                            lies.push(format!("{conflict:?} {way:?}: retryable {says}: {failed}"));
                        }
                        if conflict == Conflict::Duplicate {
                            // Without a repository nobody is asked for the columns of the index.
                            let is_username = matches!(&failed, Error::Duplicate { field, constraint, .. }
                                if field.iter().chain(constraint).any(|name| name.ends_with("username")));
                            let text = format!("{failed} {failed:?}");
                            if !is_username || text.contains("ada") || text.contains("grace") {
                                lies.push(format!("{conflict:?} {way:?}: {text}"));
                            }
                        }
                    }
                }
                assert!(lies.is_empty(), "{}", lies.join("\n"));
                let nonsense = plain(url).batch_execute("SELECT nonsense");
                let text = nonsense.expect_err("it makes no sense").to_string();
                assert!(text.contains(foreign), "the server does not speak it: {text}");
            }

            /// Whatever the server does behind a COMMIT of its own accord.
            pub(super) fn what_follows_a_commit_is_stored(url: &str) {
                let connected = lback::$database::connect(url).expect("the server answers");
                let mut session = connected.with_state(Trace::new());
                Users
                    .create(&mut session, new_user("before"))
                    .expect("nothing is in the way");
                session
                    .conn()
                    .batch_execute("INSERT INTO notes (what) VALUES ('afterwards')")
                    .expect("nothing is in the way");
                drop(session);
                let deleted = diesel::sql_query("DELETE FROM notes WHERE what = 'afterwards'");
                assert_eq!(deleted.execute(&mut plain(url)), Ok(1));
            }

            /// Whatever the server gives others of their rows.
            #[allow(dead_code)] // Only MySQL has such a limit.
            pub(super) fn a_select_has_all_its_rows(url: &str) {
                plain(url)
                    .batch_execute("SET GLOBAL sql_select_limit = 1")
                    .expect("it is root's server");
                let connected = lback::$database::connect(url).expect("the server answers");
                let mut session = connected.with_state(Trace::new());
                let many = ["many.a", "many.b", "many.c"].map(new_user);
                Users.create_many(&mut session, many).expect("nothing is in the way");
                let found = Users.find_where(&mut session, users::username.like("many%"));
                assert_eq!(found.expect("nothing is in the way").len(), 3);
            }

            pub(super) fn prepare(url: &str) {
                let mut session = lback::$database::connect(url).expect("the server answers");
                lback::$database::migrate(&mut session).expect("the database is empty");
                session.conn().batch_execute(NOTES).expect("the table is new");
            }
        }
    };
}

#[cfg(feature = "postgres")]
language_on!(postgres, PgConnection,
    notes: "CREATE TABLE notes (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what TEXT NOT NULL)",
    settings: |conflict| match conflict {
        Conflict::LockTimeout => "SET lock_timeout = '100ms'",
        _ => "",
    }
);

#[cfg(feature = "mysql")]
language_on!(mysql, MysqlConnection,
    notes: "CREATE TABLE notes (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, what TEXT NOT NULL)",
    settings: |conflict| match conflict {
        Conflict::LockTimeout => "SET innodb_lock_wait_timeout = 1",
        // MariaDB's; the default from 11.6.2 on.
        Conflict::Serialization => "SET innodb_snapshot_isolation = ON",
        _ => "",
    }
);

#[cfg(feature = "mysql")]
#[test]
fn german_and_a_lock_timeout_undoes_its_statement() {
    let settings = [("LBACK_MYSQL_OPTIONS", "--lc-messages=de_DE")];
    if let Some((_services, url)) = up("german-mysql", "mysql", &settings) {
        mysql::prepare(&url);
        mysql::try_everything(&url, &url, "", true, "Unbekannt");
        mysql::try_everything(&url, &url, "SET lc_messages = 'de_DE'", false, "Unbekannt");
    }
}

#[cfg(feature = "mysql")]
#[test]
fn french_and_a_lock_timeout_undoes_the_transaction() {
    let options = "--lc-messages=fr_FR --innodb-rollback-on-timeout=ON --completion-type=CHAIN";
    let settings = [("LBACK_MYSQL_OPTIONS", options)];
    if let Some((_services, url)) = up("french-mysql", "mysql", &settings) {
        mysql::prepare(&url);
        mysql::what_follows_a_commit_is_stored(&url);
        mysql::try_everything(&url, &url, "", true, "inconnu");
        mysql::try_everything(&url, &url, "SET lc_messages = 'fr_FR'", false, "inconnu");
        mysql::a_select_has_all_its_rows(&url);
    }
}

/// A superuser may choose the language of the messages, others may not.
#[cfg(feature = "postgres")]
#[test]
fn german_for_a_superuser_and_for_others() {
    use diesel::connection::{Connection, SimpleConnection};

    let settings = [("LBACK_POSTGRES_LANGUAGE", "de_DE")];
    if let Some((_services, url)) = up("german-postgres", "postgres", &settings) {
        let mut owner = diesel::PgConnection::establish(&url).expect("the server answers");
        owner
            .batch_execute("CREATE ROLE plain LOGIN; GRANT CREATE ON SCHEMA public TO plain")
            .expect("the role is new");
        let plain = url.replace("//lback@", "//plain@");
        postgres::prepare(&plain);
        postgres::what_follows_a_commit_is_stored(&url);
        postgres::try_everything(&url, &url, "", true, "existiert nicht");
        postgres::try_everything(&plain, &url, "", false, "existiert nicht");
    }
}
