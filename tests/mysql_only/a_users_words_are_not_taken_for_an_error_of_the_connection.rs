//! MySQL quotes values in its messages, and the client's own errors are known by their texts only:
//! a value that looks like one neither breaks the session nor ends the transaction.

use crate::database::*;
use crate::promises::stored;
use lback::Error;
use lback_tests::new_user;

own_users!();

#[test]
fn in_a_duplicate() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let names = [
        "MySQL server has gone away",
        "Lost connection to server",
        "SAVEPOINT lback_guard does not exist",
        "Deadlock found when trying to get lock",
    ];

    session.transaction(|session| {
        for name in names {
            Users.create(session, new_user(name))?;
            let twice = Users.create(session, new_user(name));
            let Err(error @ Error::Duplicate { .. }) = twice else {
                panic!("{twice:?}");
            };
            assert!(!error.is_retryable(), "{error}");
        }
        lback::Result::Ok(())
    })?;

    assert_eq!(stored(&mut session), names);
    Ok(())
}
