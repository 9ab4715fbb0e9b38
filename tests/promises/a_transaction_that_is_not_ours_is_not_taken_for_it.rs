//! Through the connection anybody can begin, end and replace transactions. Where that touches what the
//! framework has written, it is an error, and no effect says otherwise.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::{Trace, count, new_user, note};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

#[receiver(user_post_create, after_rollback)]
fn lament(user: &User, #[state] trace: &Trace) {
    trace.note(format!("lament {}", user.username));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn raw(session: &mut Session, sql: &str) -> QueryResult<()> {
    session.conn().batch_execute(sql)
}

#[track_caller]
fn assert_in_order(database: &Database, session: &mut Session, trace: &Trace) {
    assert!(!session.in_transaction());
    Users
        .create(session, new_user("later"))
        .expect("it is in order");
    assert!(trace.take().contains(&"welcome later".to_owned()));
    assert!(stored(&mut database.session()).contains(&"later".to_owned()));
}

/// How one transaction is put in the place of another.
fn chains() -> &'static [&'static str] {
    match NAME {
        "SQLite" => &["ROLLBACK; BEGIN", "COMMIT; BEGIN"],
        _ => &[
            "ROLLBACK; BEGIN",
            "COMMIT; BEGIN",
            "ROLLBACK AND CHAIN",
            "COMMIT AND CHAIN",
        ],
    }
}

/// Another transaction in the place of ours, after an operation.
#[test]
fn one_that_was_replaced() {
    for sql in chains() {
        for (writes, fails) in [(false, false), (false, true), (true, false), (true, true)] {
            let Some((database, mut session, trace)) = opened() else {
                return;
            };
            let done = session.transaction(|session| {
                Users.create(session, new_user("ada"))?;
                raw(session, sql)?;
                if writes {
                    Users.create(session, new_user("grace"))?;
                }
                if fails {
                    return Err(lback::Invalid::new("a", "b").into());
                }
                lback::Result::Ok(())
            });
            assert!(done.is_err(), "{sql}");
            let now = stored(&mut database.session());
            let committed = sql.starts_with("COMMIT");
            assert_eq!(now.contains(&"ada".to_owned()), committed, "{sql}");
            assert!(!now.contains(&"grace".to_owned()), "{sql}");
            let effects = trace.take();
            assert!(
                !effects.contains(&"welcome ada".to_owned()),
                "{sql}: {effects:?}"
            );
            assert!(
                !effects.contains(&"welcome grace".to_owned()),
                "{sql}: {effects:?}"
            );
            assert!(
                !(committed && effects.contains(&"lament ada".to_owned())),
                "{sql}: {effects:?}"
            );
            assert_in_order(&database, &mut session, &trace);
        }
    }
}

mod heard_durably {
    use super::*;

    own_users!();

    #[receiver(user_post_create, durable, id = "not_ours.tell")]
    fn tell(_user: &User) {}
}

/// What the outbox is given at the end does not make it ours.
#[test]
fn one_that_was_replaced_before_rows_for_durable_receivers_are_stored() {
    for sql in chains() {
        let Some(database) = Database::with_outbox() else {
            return;
        };
        let mut session = database.session();
        let done = session.transaction(|session| {
            heard_durably::Users.create(session, new_user("ada"))?;
            raw(session, sql)?;
            lback::Result::Ok(())
        });
        assert!(done.is_err(), "{sql}");
        let mut other = database.session();
        assert_eq!(count("lback_outbox", &mut other), 0, "{sql}");
        let is_committed = sql.starts_with("COMMIT");
        assert_eq!(stored(&mut other) == ["ada"], is_committed, "{sql}");
    }
}

/// The same inside a nested level.
#[test]
fn one_that_was_replaced_inside_a_savepoint() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let inner = session.transaction(|session| {
            Users.create(session, new_user("grace"))?;
            raw(session, "ROLLBACK; BEGIN")?;
            lback::Result::Ok(())
        });
        assert!(inner.is_err());
        lback::Result::Ok(())
    });
    assert!(done.is_err());
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert!(
        trace
            .take()
            .iter()
            .all(|effect| !effect.starts_with("welcome"))
    );
    assert_in_order(&database, &mut session, &trace);
}

/// With the savepoint of the nested level, so that this one can be rolled back. Where it costs no round trip,
/// every operation is guarded.
#[test]
fn one_that_was_replaced_with_its_savepoint() {
    if NAME != "SQLite" {
        return;
    }
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        let inner = session.transaction(|session| {
            Users.create(session, new_user("grace"))?;
            raw(session, "ROLLBACK; BEGIN; SAVEPOINT diesel_savepoint_1")?;
            Users.create(session, new_user("joan"))
        });
        assert!(inner.is_err());
        lback::Result::Ok(())
    });
    assert!(
        matches!(done, Err(Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert_eq!(stored(&mut database.session()), [""; 0]);
    let effects = trace.take();
    assert!(
        !effects.iter().any(|effect| effect.starts_with("welcome")),
        "{effects:?}"
    );
    assert_in_order(&database, &mut session, &trace);
}

/// A savepoint of somebody's own around an operation, which takes the row away and not its effects.
/// PostgreSQL and MySQL would need one more round trip for each operation to see all of these:
/// `docs/semantics.md` says which are seen.
#[test]
fn a_savepoint_of_somebodys_own() {
    if NAME == "MySQL" {
        return;
    }
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let done = session.transaction(|session| {
        raw(session, "SAVEPOINT mine")?;
        Users.create(session, new_user("ada"))?;
        let back = raw(session, "ROLLBACK TO SAVEPOINT mine");
        lback::Result::Ok(back.is_ok())
    });
    let now = stored(&mut database.session());
    let effects = trace.take();
    match done {
        // It was kept from happening.
        Ok(false) => {
            assert_eq!(now, ["ada"]);
            assert_eq!(effects, ["welcome ada"]);
        }
        Ok(true) => panic!("the row is gone: {now:?}, {effects:?}"),
        Err(_) => {
            assert_eq!(now, [""; 0]);
            assert!(!effects.contains(&"welcome ada".to_owned()), "{effects:?}");
        }
    }
    assert_in_order(&database, &mut session, &trace);
}

/// Where it costs no round trip, every operation is guarded.
#[test]
fn a_savepoint_between_two_operations() {
    if NAME != "SQLite" {
        return;
    }
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        raw(session, "SAVEPOINT mine")?;
        Users.create(session, new_user("grace"))?;
        let back = raw(session, "ROLLBACK TO SAVEPOINT mine");
        lback::Result::Ok(back.is_ok())
    });
    let now = stored(&mut database.session());
    let effects = trace.take();
    for name in ["ada", "grace"] {
        assert_eq!(
            now.iter().any(|stored| stored == name),
            effects.contains(&format!("welcome {name}")),
            "{done:?}: {now:?}, {effects:?}"
        );
    }
    assert_in_order(&database, &mut session, &trace);
}

/// What Diesel's manager began outside, it knows.
#[test]
fn one_that_diesel_began_outside() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    diesel::Connection::begin_test_transaction(session.conn()).expect("none is open");
    for refused in [
        Users.create(&mut session, new_user("ada")),
        session.transaction(|session| Users.create(session, new_user("ada"))),
    ] {
        assert!(
            matches!(refused, Err(Error::AlreadyInTransaction)),
            "{refused:?}"
        );
    }
    assert_eq!(trace.take(), [""; 0]);
    drop(session);
    assert_eq!(stored(&mut database.session()), [""; 0]);
}

/// What nobody knows of is either refused, or really committed.
#[test]
fn one_that_was_begun_by_a_raw_statement_outside() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    raw(&mut session, "BEGIN").expect("none is open");
    let created = Users.create(&mut session, new_user("ada"));
    let effects = trace.take();
    drop(session);
    let now = stored(&mut database.session());
    match created {
        Ok(_) => {
            assert_eq!(now, ["ada"]);
            assert_eq!(effects, ["welcome ada"]);
        }
        Err(error) => {
            assert!(matches!(error, Error::AlreadyInTransaction), "{error:?}");
            assert_eq!(now, [""; 0]);
            assert_eq!(effects, [""; 0]);
        }
    }
}

/// Another connection in the place of ours.
#[test]
fn a_connection_that_was_replaced() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let mut other = database.connection();
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        std::mem::swap(session.conn(), &mut other);
        lback::Result::Ok(())
    });
    assert!(done.is_err(), "{done:?}");
    drop(other);
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}

/// Two connections, both inside a transaction of a session of its own.
#[test]
fn two_connections_that_changed_places() {
    if NAME == "SQLite" {
        // It has one writer at a time.
        return;
    }
    let Some((database, mut one, trace)) = opened() else {
        return;
    };
    let mut other = database.session().with_state(trace.clone());
    let done = one.transaction(|one| {
        Users.create(one, new_user("ada"))?;
        let inner: lback::Result<()> = other.transaction(|other| {
            Users.create(other, new_user("grace"))?;
            std::mem::swap(one.conn(), other.conn());
            Ok(())
        });
        assert!(inner.is_err(), "{inner:?}");
        note(one.conn(), "and on")?;
        lback::Result::Ok(())
    });
    assert!(done.is_err(), "{done:?}");
    drop((one, other));
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert!(
        trace
            .take()
            .iter()
            .all(|effect| !effect.starts_with("welcome"))
    );
}
