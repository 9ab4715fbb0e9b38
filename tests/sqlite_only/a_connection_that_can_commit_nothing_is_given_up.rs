//! A statement that writes and that nobody will end is in the way of every COMMIT. The session is broken then,
//! and a pool makes another connection in place of its.

use diesel::connection::LoadConnection;
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
