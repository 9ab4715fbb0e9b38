//! A statement that writes and that nobody will end is in the way of every COMMIT. The session is broken then,
//! and a pool makes another connection in place of its.

use diesel::connection::{
    Instrumentation, InstrumentationEvent, LoadConnection, SimpleConnection as _,
};
use lback::Error;
use lback_tests::new_user;

use crate::database::*;
use crate::promises::stored;

own_users!();

#[test]
fn after_an_iterator_that_was_forgotten() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let pool = lback::Database::<Native>::builder()
        .max_size(1)
        .connect(&database.url())?;

    let mut session = pool.session()?;
    let insert = "INSERT INTO notes (what) VALUES ('begun') RETURNING id";
    let mut rows = session.conn().load(diesel::sql_query(insert))?;
    assert!(rows.next().is_some());
    std::mem::forget(rows);
    let failed = Users.create(&mut session, new_user("ada"));
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    let refused = Users.create(&mut session, new_user("ada"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    drop(session);

    let mut session = pool.session()?;
    Users.create(&mut session, new_user("grace"))?;
    assert_eq!(stored(&mut database.session()), ["grace"]);
    Ok(())
}

/// Panics at the question whether another COMMIT can succeed.
struct AtQuestion;

impl Instrumentation for AtQuestion {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            assert!(!text.contains("DEFERRED; COMMIT"), "in the instrumentation");
        }
    }
}

#[test]
fn after_a_panic_at_the_question() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let children = "CREATE TABLE children (parent INTEGER NOT NULL \
                    REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)";
    session.conn().batch_execute(children).unwrap();
    session.conn().set_instrumentation(AtQuestion);
    let failed: lback::Result<()> = session.transaction(|session| {
        let orphan = "INSERT INTO children VALUES (4711)";
        Ok(session.conn().batch_execute(orphan)?)
    });
    assert!(
        matches!(failed, Err(Error::ForeignKey { .. })),
        "{failed:?}"
    );
    let failures = session.take_failures();
    assert!(
        failures.latest[0]
            .to_string()
            .contains("in the instrumentation"),
        "{failures:?}"
    );
    let refused = Users.create(&mut session, new_user("ada"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
}
