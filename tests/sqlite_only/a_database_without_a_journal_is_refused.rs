//! `PRAGMA journal_mode = OFF` leaves nothing by which SQLite could undo what was written: a ROLLBACK says that
//! it has, and has not. There is no session on such a database.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::new_user;

use crate::database::*;
use crate::promises::stored;

own_users!();

const OFF: &str = "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF";

#[test]
fn whoever_makes_the_session() {
    let database = Database::fresh().expect("there is always a SQLite");
    let off = || {
        let mut connection = database.connection();
        connection.batch_execute(OFF).expect("nobody else uses it");
        connection
    };
    let mut lent = off();
    let borrowed = Session::borrowing(&mut lent, |session| {
        Users.create(session, new_user("ada")).map(drop)
    });
    for refused in [
        Session::new(off()).map(drop),
        Session::for_test(off()).map(drop),
        Session::from_guard(Box::new(off())).map(drop),
        borrowed,
    ] {
        assert!(
            matches!(refused, Err(Error::Unsupported { .. })),
            "{refused:?}"
        );
    }
    // What it was refused for may be mended.
    lent.batch_execute("PRAGMA journal_mode = DELETE").unwrap();
    let mut session = Session::new(lent).unwrap();
    Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(stored(&mut database.session()), ["ada"]);
}

#[test]
fn in_a_pool_whose_hook_switches_it_off() {
    let database = Database::fresh().expect("there is always a SQLite");
    let pool = lback::sqlite::Database::builder()
        .max_size(1)
        .on_connect(|connection| connection.batch_execute(OFF))
        .connect(&database.url());
    let refused = pool.and_then(|pool| pool.session().map(drop));
    assert!(
        matches!(refused, Err(Error::Unsupported { .. })),
        "{refused:?}"
    );
}
