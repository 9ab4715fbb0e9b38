//! 100 transactions inside each other, the outermost included, unless told. Past that comes an error
//! and no overflow of the stack, and everything around it goes on.

use lback::{Error, TransactionOptions};
use lback_tests::{note, notes};

use crate::database::*;

fn nested(session: &mut Session, levels: u32) -> lback::Result<()> {
    if levels == 0 {
        return Ok(());
    }
    session.transaction(|session| nested(session, levels - 1))
}

#[test]
fn a_hundred_work_and_one_more_is_refused() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    nested(&mut session, 100).expect("up to the bound");
    let refused = nested(&mut session, 101);
    assert!(
        matches!(refused, Err(Error::NestedTooDeep { limit: 100, .. })),
        "{refused:?}"
    );
    assert!(!session.in_transaction());

    session
        .transaction(|session| {
            note(session.conn(), "kept")?;
            assert!(nested(session, 1_000).is_err());
            lback::Result::Ok(())
        })
        .expect("what refused it was passed over");
    assert_eq!(notes(&mut session), ["kept"]);
}

#[test]
fn the_bound_can_be_set() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_max_nesting(3);
    nested(&mut session, 3).expect("up to the bound");
    let refused = nested(&mut session, 4);
    assert!(
        matches!(refused, Err(Error::NestedTooDeep { limit: 3, .. })),
        "{refused:?}"
    );
}

/// A savepoint that was rolled back is gone, so that a loop of failures does not pile them up.
#[test]
fn a_loop_of_failures_leaves_no_savepoint() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    session
        .transaction(|session| {
            for _ in 0..3 {
                let failed: lback::Result<()> = session.transaction(|session| {
                    note(session.conn(), "lost")?;
                    Err(lback::Invalid::new("a", "b").into())
                });
                assert!(failed.is_err());
            }
            let inner: lback::Result<()> = session.transaction(|session| {
                use diesel::connection::SimpleConnection as _;
                // Were one of the former still there, this would find it.
                let twice = "RELEASE SAVEPOINT diesel_savepoint_1";
                session.conn().batch_execute(twice)?;
                assert!(session.conn().batch_execute(twice).is_err());
                Err(lback::Invalid::new("a", "b").into())
            });
            assert!(inner.is_err());
            lback::Result::Ok(())
        })
        .expect_err("the savepoint was released by hand");
    assert_eq!(notes(&mut session), [""; 0]);
}

#[test]
fn one_that_must_be_the_outermost_is_refused_inside_another() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let receipt = TransactionOptions::new().outermost();
    session
        .transaction_with(&receipt, |session| Ok(note(session.conn(), "kept")?))
        .map_err(|error: Error| error)
        .expect("it is the outermost");
    let nested: lback::Result<()> =
        session.transaction(|session| session.transaction_with(&receipt, |_| Ok(())));
    assert!(matches!(nested, Err(Error::NotOutermost)), "{nested:?}");
    assert_eq!(notes(&mut session), ["kept"]);

    let mut test = Session::for_test(database.connection()).expect("it is free");
    test.transaction_with(&receipt, |_| lback::Result::Ok(()))
        .expect("the test's transaction does not count");
}
