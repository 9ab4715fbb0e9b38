//! Transactions begun or ended through Diesel's transaction manager: an error, never a silent
//! commit, and the session is in order afterwards. What is used of Diesel for this, some of it
//! hidden, is pinned.

use std::num::NonZero;

use crate::database::*;
use diesel::connection::{TransactionManager, TransactionManagerStatus};
use lback::Error;
use lback_tests::{new_user, note, notes};

own_users!();

/// Diesel's own, but for connections that are not.
type Manager = <Native as diesel::Connection>::TransactionManager;

#[receiver(user_pre_delete)]
fn end_the_transaction(conn: &mut Native) -> QueryResult<()> {
    Manager::commit_transaction(conn)
}

fn begin(session: &mut Session) {
    Manager::begin_transaction(session.conn()).expect("it can be begun");
}

fn end(session: &mut Session) {
    Manager::commit_transaction(session.conn()).expect("it is open");
}

#[track_caller]
fn assert_aborted<T: std::fmt::Debug>(result: lback::Result<T>, what: &str) {
    let Err(error @ Error::TransactionAborted { .. }) = result else {
        panic!("{result:?}");
    };
    assert!(error.to_string().contains(what), "{error}");
}

fn assert_in_order(session: &mut Session) {
    assert!(!session.in_transaction());
    note(session.conn(), "in order").expect("the session is in order");
    session
        .transaction(|session| Users.create(session, new_user("ada")))
        .expect("the session is in order");
}

#[test]
fn a_level_begun_and_left_open() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    assert_aborted(
        session.transaction(|session| {
            note(session.conn(), "lost")?;
            begin(session);
            lback::Result::Ok(())
        }),
        "was begun inside",
    );
    assert_eq!(notes(&mut session), [""; 0]);
    assert_in_order(&mut session);
    assert_eq!(notes(&mut database.session()), ["in order"]);
}

#[test]
fn a_level_begun_inside_a_savepoint() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    session
        .transaction(|session| {
            note(session.conn(), "kept")?;
            assert_aborted(
                session.transaction(|session| {
                    note(session.conn(), "lost")?;
                    begin(session);
                    lback::Result::Ok(())
                }),
                "was begun inside",
            );
            note(session.conn(), "kept too")?;
            lback::Result::Ok(())
        })
        .expect("only the savepoint is lost");
    assert_eq!(notes(&mut session), ["kept", "kept too"]);
}

#[test]
fn a_transaction_committed_inside() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    assert_aborted(
        session.transaction(|session| {
            note(session.conn(), "committed by the mistake")?;
            end(session);
            lback::Result::Ok(())
        }),
        "was ended inside",
    );
    assert_in_order(&mut session);
}

#[test]
fn a_savepoint_released_inside() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let _ = session.transaction(|session| {
        assert_aborted(
            session.transaction(|session| {
                note(session.conn(), "lost?")?;
                end(session);
                lback::Result::Ok(())
            }),
            "was ended inside",
        );
        lback::Result::Ok(())
    });
    assert_in_order(&mut session);
}

#[test]
fn a_transaction_committed_by_a_receiver() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = Users
        .create(&mut session, new_user("grace"))
        .expect("valid");
    let deleted = Users.delete(&mut session, &ada);
    assert!(deleted.is_err(), "{deleted:?}");
    assert_in_order(&mut session);
}

#[test]
fn diesels_own_nested_transaction_is_a_savepoint() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    session
        .transaction(|session| {
            session.conn().transaction(|conn| note(conn, "kept"))?;
            let failed: QueryResult<()> = session.conn().transaction(|conn| {
                note(conn, "lost")?;
                Err(diesel::result::Error::RollbackTransaction)
            });
            assert!(failed.is_err());
            lback::Result::Ok(())
        })
        .expect("nothing is wrong");
    assert_eq!(notes(&mut session), ["kept"]);
}

#[test]
fn diesels_hidden_status_behaves_as_used() {
    fn depth(connection: &mut Native) -> Option<u32> {
        let status = Manager::transaction_manager_status_mut(connection);
        status
            .transaction_depth()
            .expect("in order")
            .map(NonZero::get)
    }
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut connection = database.connection();
    assert_eq!(depth(&mut connection), None);
    Manager::begin_transaction_sql(&mut connection, "BEGIN").expect("it begins");
    assert_eq!(depth(&mut connection), Some(1));
    Manager::begin_transaction(&mut connection).expect("a savepoint");
    assert_eq!(depth(&mut connection), Some(2));
    let again = Manager::begin_transaction_sql(&mut connection, "BEGIN");
    assert!(matches!(
        again,
        Err(diesel::result::Error::AlreadyInTransaction)
    ));
    Manager::rollback_transaction(&mut connection).expect("the savepoint");
    Manager::rollback_transaction(&mut connection).expect("the transaction");
    assert_eq!(depth(&mut connection), None);
    let none = Manager::rollback_transaction(&mut connection);
    assert!(matches!(none, Err(diesel::result::Error::NotInTransaction)));

    // What the session writes to it.
    Manager::begin_transaction(&mut connection).expect("it begins");
    let status = Manager::transaction_manager_status_mut(&mut connection);
    *status = TransactionManagerStatus::default();
    assert_eq!(
        depth(&mut connection),
        None,
        "the default is no transaction"
    );
    let status = Manager::transaction_manager_status_mut(&mut connection);
    status.set_in_error();
    assert!(status.transaction_depth().is_err());
    assert!(matches!(
        Manager::begin_transaction(&mut connection),
        Err(diesel::result::Error::BrokenTransactionManager)
    ));
}
