//! MySQL reads what was there when the transaction began, but writes to what is there now: a row
//! that is gone by then does not come back as updated.

use super::inactive;
use crate::database::*;
use lback::transaction::Isolation;
use lback::{Error, TransactionOptions};
use lback_tests::new_user;

own_users!();

#[test]
fn alone_and_among_many() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (mut ours, mut other) = (database.session(), database.session());
    let ada = Users.create(&mut ours, new_user("ada"))?;
    let grace = Users.create(&mut ours, new_user("grace"))?;

    ours.transaction_with(
        &TransactionOptions::new().isolation(Isolation::RepeatableRead),
        |session| {
            assert_eq!(Users.count(session)?, 2);
            Users.delete(&mut other, &ada)?;

            let gone = session.transaction(|session| Users.update(session, &ada, inactive()));
            assert!(is_refused(&gone), "{gone:?}");
            let both = session
                .transaction(|session| Users.update_many(session, [&grace, &ada], inactive()));
            assert!(is_refused(&both), "{both:?}");
            lback::Result::Ok(())
        },
    )?;

    let grace = Users.find(&mut ours, &grace)?.expect("it is stored");
    assert!(grace.is_active, "all of them or none");
    Ok(())
}

/// PostgreSQL says that the row was changed by another transaction.
fn is_refused<T>(result: &lback::Result<T>) -> bool {
    match result {
        Err(Error::NotFound { .. }) => true,
        Err(error) => error.is_retryable(),
        Ok(_) => false,
    }
}
