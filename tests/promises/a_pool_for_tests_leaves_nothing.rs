//! All sessions of `Database::builder().for_test()` share one transaction that is never committed: so
//! what takes the pool itself can be tested.

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit)]
fn stored(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

/// What is to be tested, as a web application has it.
fn handler(pool: &lback::Database<Native>, name: &str) -> lback::Result<User> {
    pool.transaction(|session| Users.create(session, new_user(name)))
}

fn pool(database: &Database, trace: &Trace) -> lback::Result<lback::Database<Native>> {
    lback::Database::builder()
        .for_test()
        .with_state(trace.clone())
        .connect(&database.url())
}

#[test]
fn sessions_see_each_other_and_the_database_stays_as_it_was() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let tested = pool(&database, &trace)?;

    handler(&tested, "ada")?;
    // The effects of each transaction run at its own end.
    assert_eq!(trace.take(), ["ada"]);
    assert!(matches!(
        handler(&tested, "ada"),
        Err(lback::Error::Duplicate { .. })
    ));
    handler(&tested, "grace")?;
    assert_eq!(super::stored(&mut tested.session()?), ["ada", "grace"]);

    drop(tested);
    assert_eq!(super::stored(&mut database.session()), [""; 0]);
    Ok(())
}

#[test]
fn a_session_at_a_time_also_from_other_threads() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let tested = pool(&database, &trace)?;
    std::thread::scope(|scope| {
        for name in ["ada", "grace", "eve"] {
            let tested = &tested;
            scope.spawn(move || handler(tested, name).unwrap());
        }
    });
    let mut names = super::stored(&mut tested.session()?);
    names.sort_unstable();
    assert_eq!(names, ["ada", "eve", "grace"]);
    Ok(())
}

#[test]
fn a_transaction_that_came_to_nothing_takes_no_other_with_it() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let tested = pool(&database, &trace)?;
    handler(&tested, "ada")?;
    let refused = tested.transaction(|session| {
        Users.create(session, new_user("eve"))?;
        Err::<(), _>(super::refused())
    });
    assert!(refused.is_err());
    super::panic_of(|| tested.transaction(|_| -> lback::Result<()> { panic!("in the middle") }));
    assert_eq!(super::stored(&mut tested.session()?), ["ada"]);
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}
