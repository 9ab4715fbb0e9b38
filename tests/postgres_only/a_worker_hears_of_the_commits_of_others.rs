//! With `listen`, a worker wakes up when another process has stored something, and says so by NOTIFY.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::database::*;
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "listen.tell")]
fn tell(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[test]
fn by_listening() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    Users.create(&mut session, new_user("ada"))?;
    // As long as another process has not committed, there is nothing.
    session
        .conn()
        .batch_execute("UPDATE lback_outbox SET due_at = now() + INTERVAL '1 hour'")?;
    let trace = Trace::new();
    let pool = lback::Database::<Native>::builder()
        .with_state(trace.clone())
        .with_registry(&lback::manual_registry![tell]?);
    let pool = pool.connect(&database.url())?;
    let worker = pool.worker().poll(Duration::from_secs(3_600));
    let worker = worker.listen(&database.url())?.start()?;
    std::thread::sleep(Duration::from_millis(200));

    // What another process does, seen from here.
    let mut other = database.connection();
    other.batch_execute("UPDATE lback_outbox SET due_at = now(); NOTIFY lback_outbox")?;
    let start = Instant::now();
    while count("lback_outbox", &mut session) > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "nobody has heard of it"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(worker.stop().done, 1);
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn whoever_stores_something_tells() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut ear = database.connection();
    ear.batch_execute("LISTEN lback_outbox")?;
    let mut session = database.session();
    // Others tell in this database too.
    let teller: i32 = diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>(
        "pg_backend_pid()",
    ))
    .get_result(session.conn())?;
    let start = Instant::now();
    let mut names = 0..;
    // Not at every commit.
    while !ear
        .notifications_iter()
        .any(|told| told.is_ok_and(|told| told.process_id == teller))
    {
        assert!(start.elapsed() < Duration::from_secs(30), "nobody was told");
        let name = format!("user{}", names.next().unwrap_or(0));
        Users.create(&mut session, new_user(&name))?;
    }
    Ok(())
}
