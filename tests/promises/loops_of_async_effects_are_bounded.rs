//! `async` receivers that cause each other through `Database::run`, or through a session of the pool, come
//! to an end: what one writes belongs to its generation.

use crate::database::*;
use crate::promises::asynchronous;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit, id = "again")]
async fn again(user: &User, #[state] pool: &lback::Database<Native>) -> lback::Result<()> {
    let name = format!("{}+", user.username);
    if user.username.starts_with("blocking") {
        Users.create(&mut pool.session()?, new_user(&name))?;
    } else {
        let next = pool.run(move |session| Users.create(session, new_user(&name)));
        next.await?;
    }
    Ok(())
}

fn generations(first: &str) -> lback::Result<Option<(usize, Vec<String>)>> {
    let Some(database) = Database::fresh() else {
        return Ok(None);
    };
    let pool = lback::Database::builder()
        .with_state(Trace::new())
        .connect(&database.url())?;
    let first = first.to_owned();
    let runtime = asynchronous();
    runtime.block_on(async {
        let created = pool.run(move |session| Users.create(session, new_user(&first)));
        created.await
    })?;
    let mut kept = pool.take_failures();
    while kept.count == 0 {
        std::thread::yield_now();
        kept = pool.take_failures();
    }
    let failures = kept.latest.iter().map(|failure| failure.cause.to_string());
    let stored = crate::promises::stored(&mut database.session());
    Ok(Some((stored.len(), failures.collect())))
}

fn assert_bounded((stored, failures): (usize, Vec<String>)) {
    // That which began it, and those of fifteen generations: the sixteenth would have caused another.
    assert_eq!(stored, 16);
    let [failure] = &failures[..] else {
        panic!("{failures:?}");
    };
    let start = "effects caused effects for more than 16 generations, the last by receiver `again`";
    assert!(failure.starts_with(start), "{failure}");
}

#[test]
fn through_run() -> lback::Result<()> {
    generations("ada").map(|found| found.into_iter().for_each(assert_bounded))
}

#[test]
fn and_through_a_session_of_the_pool() -> lback::Result<()> {
    generations("blocking").map(|found| found.into_iter().for_each(assert_bounded))
}
