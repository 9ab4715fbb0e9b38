//! `autocommit = 0`, set by the user or for the whole server: what an operation says it has stored is
//! stored, and the setting is left as it was.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _};
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use lback_tests::{Trace, new_user, note};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::fresh()?;
    let mut connection = database.connection();
    connection.batch_execute("SET autocommit = 0").unwrap();
    let trace = Trace::new();
    let session = Session::new(connection).unwrap().with_state(trace.clone());
    Some((database, session, trace))
}

fn commits_by_itself(session: &mut Session) -> bool {
    diesel::select(sql::<Bool>("@@autocommit"))
        .get_result(session.conn())
        .unwrap()
}

/// Diesel's instrumentation panics beside the statement that sets it, before it or behind it. Whoever goes on
/// with the connection finds it as it was; or the session is broken, and nobody does.
#[test]
fn it_is_not_left_off_by_a_panic() {
    struct BesideTheGuard {
        is_behind: bool,
        is_over: bool,
    }

    impl Instrumentation for BesideTheGuard {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            let (query, is_behind) = match event {
                InstrumentationEvent::StartQuery { query, .. } => (query.to_string(), false),
                InstrumentationEvent::FinishQuery { query, .. } => (query.to_string(), true),
                _ => return,
            };
            if is_behind == self.is_behind && query.contains("SET autocommit = 0") {
                assert!(std::mem::replace(&mut self.is_over, true), "in it");
            }
        }
    }

    for is_behind in [false, true] {
        let Some(database) = Database::fresh() else {
            return;
        };
        let mut session = database.session().with_state(Trace::new());
        session.conn().set_instrumentation(BesideTheGuard {
            is_behind,
            is_over: false,
        });
        let done = session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let lent = catch_unwind(AssertUnwindSafe(|| {
                session.conn();
            }));
            assert!(lent.is_err());
            session.conn();
            lback::Result::Ok(())
        });
        let is_broken = Users.count(&mut session).is_err();
        assert!(is_broken || commits_by_itself(&mut session), "{done:?}");
        assert!(done.is_err() || stored(&mut database.session()) == ["ada"]);
    }
}

#[test]
fn every_operation_alone() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let seen = || stored(&mut database.session());
    let ada = Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(seen(), ["ada"]);
    assert_eq!(trace.take(), ["welcome ada"]);
    let changes = UserChanges {
        username: Some("grace".to_owned()),
        ..UserChanges::default()
    };
    Users.update(&mut session, &ada, changes).unwrap();
    assert_eq!(seen(), ["grace"]);
    Users.delete(&mut session, &ada).unwrap();
    assert_eq!(seen(), [""; 0]);
}

#[test]
fn the_setting_is_left_as_it_was() {
    let Some((database, mut session, _trace)) = opened() else {
        return;
    };
    session
        .transaction(|session| note(session.conn(), "lent"))
        .unwrap();
    assert!(!commits_by_itself(&mut session));
    let failed: lback::Result<()> = session.transaction(|session| {
        note(session.conn(), "lent")?;
        session.transaction(|session| Ok::<_, lback::Error>(note(session.conn(), "deeper")?))?;
        Err(lback::Invalid::new("a", "b").into())
    });
    assert!(failed.is_err());
    assert!(!commits_by_itself(&mut session));

    let mut session = database.session();
    session
        .transaction(|session| note(session.conn(), "lent"))
        .unwrap();
    assert!(commits_by_itself(&mut session));
}

/// It ends the transaction, and takes away what keeps later statements from committing by themselves. The whole
/// is an error, and no effect of either phase runs, for what was written is stored.
#[test]
fn switched_on_inside_the_transaction_is_an_error() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        session.conn().batch_execute("SET autocommit = 1")?;
        Users.create(session, new_user("grace"))
    });
    assert!(
        matches!(done, Err(lback::Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut database.session()), ["ada", "grace"]);
    assert!(commits_by_itself(&mut session));
}
