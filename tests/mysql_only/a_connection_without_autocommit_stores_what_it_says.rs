//! `autocommit = 0`, set by the user or for the whole server: what an operation says it has stored is
//! stored, and the setting is left as it was.

use diesel::connection::SimpleConnection as _;
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
