//! The transaction goes on, and commits the rest; the error is retryable.

use diesel::connection::SimpleConnection;

use crate::database::*;
use crate::promises::{stored, traced};
use crate::server_only::{deactivate, inactive};
use lback::Error;
use lback_tests::new_user;

own_users!();

#[test]
fn through_a_repository_and_through_the_connection() -> lback::Result<()> {
    let Some((database, mut session, _)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let mut other = database.connection();
    other.batch_execute("BEGIN")?;
    deactivate(&mut other, ada.id)?;
    session
        .conn()
        .batch_execute("SET innodb_lock_wait_timeout = 1")?;

    session.transaction(|session| {
        Users.create(session, new_user("grace"))?;
        let waited = Users.update(session, &ada, inactive());
        assert!(
            waited.as_ref().is_err_and(Error::is_retryable),
            "{waited:?}"
        );
        let waited = deactivate(session.conn(), ada.id).map_err(Error::from);
        assert!(
            waited.as_ref().is_err_and(Error::is_retryable),
            "{waited:?}"
        );
        Users.create(session, new_user("eve"))
    })?;

    assert_eq!(stored(&mut session), ["ada", "grace", "eve"]);
    Ok(())
}
