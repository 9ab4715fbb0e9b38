//! A connection on which a transaction is open, or may be, is not handed out again by the application's
//! pool: not after a raw BEGIN, not after a session that ended badly, and not after a panic. One that is in
//! order is.

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel_async::pooled_connection::deadpool::Pool;
use lback_tests::new_user;

use super::{deadpool, is_inside, process_of, runtimes};
use crate::database::*;
use crate::promises::stored;

own_users!();

/// What is done, in which it fails or not, and whether the connection itself is kept.
async fn after(
    pool: &Pool<AsyncPgConnection>,
    work: impl FnOnce(&mut Session) -> lback::Result<()> + Send + 'static,
) -> bool {
    let mut conn = pool.get().await.expect("the server answers");
    let before = process_of(&mut conn).await.expect("the server answers");
    let run = tokio::spawn(lback::diesel_async::run(conn, work));
    let _ = run.await;
    let mut conn = pool.get().await.expect("the server answers");
    assert!(!is_inside(&mut conn).await);
    process_of(&mut conn).await.expect("the server answers") == before
}

fn create(session: &mut Session, name: &str) -> lback::Result<()> {
    Users.create(session, new_user(name)).map(drop)
}

#[test]
fn whatever_was_done_on_it() {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return;
        };
        let pool = deadpool(&database, 1);
        runtime.block_on(async {
            assert!(after(&pool, |session| create(session, "ada")).await);
            let kept = after(&pool, |session| {
                session.transaction(|session| {
                    create(session, "lost")?;
                    Err(lback::Invalid::new("test", "rolled back").into())
                })
            });
            assert!(kept.await, "nothing is wrong with it");
            let raw = after(&pool, |session| {
                Ok(session.conn().batch_execute("BEGIN; DELETE FROM users")?)
            });
            assert!(raw.await, "it was rolled back");
            let awaited = after(&pool, |session| {
                Ok(session.wait(async |conn| {
                    diesel_async::SimpleAsyncConnection::batch_execute(
                        conn,
                        "BEGIN; DELETE FROM users",
                    )
                    .await
                })?)
            });
            assert!(awaited.await, "it was rolled back");
            let by_diesel = after(&pool, |session| {
                let conn = session.conn();
                Ok(<Native as diesel::Connection>::TransactionManager::begin_transaction(conn)?)
            });
            assert!(!by_diesel.await, "the pool sees it itself");
            let panicked = after(&pool, |session| {
                session.conn().batch_execute("BEGIN; DELETE FROM users")?;
                panic!("in the middle")
            });
            assert!(!panicked.await, "nobody could ask");
            let panicked = after(&pool, |session| {
                session.transaction(|session| {
                    create(session, "lost too")?;
                    panic!("in a transaction")
                })
            });
            assert!(panicked.await, "its level was rolled back");
            let lost = after(&pool, |session| {
                session.transaction(|session| {
                    create(session, "gone")?;
                    session
                        .conn()
                        .batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")?;
                    Ok(())
                })
            });
            assert!(!lost.await, "it is lost");
            let committed = after(&pool, |session| {
                session.transaction(|session| Ok(session.conn().batch_execute("COMMIT; BEGIN")?))
            });
            assert!(committed.await);
        });
        assert_eq!(stored(&mut database.session()), ["ada"]);
    }
}

#[test]
fn and_a_session_of_ones_own_gives_it_back_or_marks_it() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let [_, runtime] = runtimes();
    let pool = deadpool(&database, 1);
    let conn = runtime.block_on(pool.get()).expect("the server answers");
    let mut session = lback::diesel_async::session(conn)?;
    create(&mut session, "ada")?;
    session.conn().batch_execute("BEGIN; DELETE FROM users")?;
    drop(session);
    let inside = runtime.block_on(async {
        let mut conn = pool.get().await.expect("the server answers");
        is_inside(&mut conn).await
    });
    assert!(!inside);
    assert_eq!(stored(&mut database.session()), ["ada"]);
    Ok(())
}
