//! `Ok` stores, `Err` rolls back exactly that level, a panic rolls back and goes on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::database::*;
use lback::Error;
use lback_tests::{new_user, note, notes};

own_users!();

#[receiver(user_post_create)]
fn panic_at_pandora(user: &User) {
    if user.username == "pandora" {
        resume_unwind(Box::new("the box is open"));
    }
}

/// An error of an application's own.
#[derive(Debug)]
enum AppError {
    Framework,
    Own,
}

impl From<Error> for AppError {
    fn from(_: Error) -> Self {
        Self::Framework
    }
}

fn write(session: &mut Session, what: &str) {
    note(session.conn(), what).expect("the table is there");
}

#[test]
fn levels_end_one_by_one() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let result: Result<i32, AppError> = session.transaction(|session| {
        write(session, "outer");
        session.transaction(|session| {
            write(session, "inner");
            let failed: Result<(), AppError> = session.transaction(|session| {
                write(session, "innermost");
                session.transaction(|session| {
                    write(session, "released, but inside of what fails");
                    Ok::<_, AppError>(())
                })?;
                Err(AppError::Own)
            });
            assert!(matches!(failed, Err(AppError::Own)));
            write(session, "inner again");
            Ok::<_, AppError>(())
        })?;
        Ok(7)
    });
    assert!(matches!(result, Ok(7)), "{result:?}");
    let expected = ["outer", "inner", "inner again"];
    assert_eq!(notes(&mut session), expected);
    assert_eq!(notes(&mut database.session()), expected, "it is committed");
}

#[test]
fn an_outer_error_takes_what_was_released_with_it() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let result: Result<(), AppError> = session.transaction(|session| {
        session.transaction(|session| {
            write(session, "released");
            Ok::<_, AppError>(())
        })?;
        Err(AppError::Own)
    });
    assert!(matches!(result, Err(AppError::Own)));
    assert!(!session.in_transaction());
    assert_eq!(notes(&mut session), [""; 0]);
    write(&mut session, "afterwards");
    assert_eq!(notes(&mut database.session()), ["afterwards"]);
}

#[test]
fn a_panic_of_the_closure_rolls_back_and_goes_on() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        session.transaction(|session| -> lback::Result<()> {
            write(session, "lost");
            resume_unwind(Box::new("lightning"))
        })
    }));
    let panic = panic.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"lightning"));
    assert!(!session.in_transaction());
    assert_eq!(notes(&mut session), [""; 0]);
    Users
        .create(&mut session, new_user("ada"))
        .expect("the session is in order");
}

#[test]
fn a_panic_of_a_receiver_rolls_its_operation_back_and_goes_on() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        Users.create(&mut session, new_user("pandora"))
    }));
    let panic = panic.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"the box is open"));
    assert!(!session.in_transaction());
    assert_eq!(lback_tests::count("users", &mut session), 0);

    session
        .transaction(|session| {
            write(session, "before");
            let caught = catch_unwind(AssertUnwindSafe(|| {
                Users.create(session, new_user("pandora"))
            }));
            assert!(caught.is_err());
            assert!(session.in_transaction());
            Users.create(session, new_user("ada"))
        })
        .expect("the transaction goes on");
    assert_eq!(lback_tests::count("users", &mut session), 1);
    assert_eq!(notes(&mut session), ["before"]);
}

#[test]
fn the_usual_error_types_are_accepted() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    session
        .transaction(|session| {
            note(session.conn(), "Diesel's")?;
            QueryResult::Ok(())
        })
        .expect("Diesel's error");
    session
        .transaction(|session| {
            note(session.conn(), "boxed")?;
            Users.create(session, new_user("ada"))?;
            Ok::<_, Box<dyn std::error::Error>>(())
        })
        .expect("a box");
    assert_eq!(notes(&mut session), ["Diesel's", "boxed"]);

    // An error that Diesel has no form for survives the journey through Diesel's type.
    let refused: QueryResult<()> = session.transaction(|session| {
        Users.create(session, new_user("x"))?;
        Ok(())
    });
    let back = Error::from(refused.expect_err("the name is too short"));
    assert!(matches!(back, Error::Invalid(_)), "{back:?}");
}

#[test]
fn a_single_operation_outside_commits() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    assert!(!session.in_transaction());
    let seen = Users.find(&mut database.session(), &ada);
    assert_eq!(seen.expect("readable"), Some(ada));
}
