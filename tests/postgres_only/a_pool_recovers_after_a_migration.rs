//! "cached plan must not change result type": a statement that was prepared before a migration fails
//! for ever. The connection forgets what it has prepared, and the next attempt works.

use diesel::connection::SimpleConnection as _;
use lback_tests::new_user;

use crate::database::*;

own_users!();

const WIDER: &str = "ALTER TABLE users ALTER COLUMN username TYPE VARCHAR(10000)";
const ANOTHER_TYPE: &str = "ALTER TABLE users ALTER COLUMN email TYPE TEXT, \
                            ALTER COLUMN username TYPE TEXT";

#[test]
fn at_the_next_session_and_by_a_retry() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool: lback::Database<Native> = lback::Database::builder()
        .max_size(1)
        .connect(&database.url())
        .unwrap();
    let ada = pool
        .transaction(|session| Users.create(session, new_user("ada")))
        .unwrap();
    for migration in [WIDER, ANOTHER_TYPE] {
        let find = |session: &mut Session| Users.find(session, ada.id);
        find(&mut pool.session().unwrap()).unwrap();
        database.connection().batch_execute(migration).unwrap();

        let first = find(&mut pool.session().unwrap());
        if let Err(error) = &first {
            assert!(error.is_retryable(), "{error:?}");
        }
        find(&mut pool.session().unwrap()).expect("the second attempt works");
    }

    // Inside a transaction, the helper tries again.
    pool.transaction(|session| Users.find(session, ada.id))
        .unwrap();
    let back = "ALTER TABLE users ALTER COLUMN email TYPE VARCHAR(254), \
                ALTER COLUMN username TYPE VARCHAR(150)";
    database.connection().batch_execute(back).unwrap();
    let mut attempts = 0;
    pool.session()
        .unwrap()
        .transaction_with_retries(3, |session| {
            attempts += 1;
            Users.find(session, ada.id)
        })
        .expect("it is tried again");
    assert_eq!(attempts, 2);
}
