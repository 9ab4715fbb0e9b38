//! A receiver with a long queue takes no more than its share of a worker: what is stored for another meanwhile is
//! delivered long before that queue is empty.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use lback_tests::new_user;

own_users!();

type Pool = lback::Database<Native>;

/// Who was delivered to, in order.
#[derive(Default)]
struct Order(Mutex<Vec<&'static str>>);

impl Order {
    fn note(&self, who: &'static str) {
        self.0.lock().expect("nobody panics").push(who);
    }

    fn count(&self, who: &str) -> usize {
        let order = self.0.lock().expect("nobody panics");
        order.iter().filter(|it| **it == who).count()
    }
}

#[receiver(user_post_create, durable, id = "share.long")]
fn long(#[state] order: &Arc<Order>) {
    std::thread::sleep(Duration::from_millis(3));
    order.note("long");
}

#[receiver(user_post_delete, durable, id = "share.short")]
fn short(#[state] order: &Arc<Order>) {
    order.note("short");
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn of_another_receiver() -> lback::Result<()> {
    const LONG: usize = 400;
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let order = Arc::<Order>::default();
    let pool = Pool::builder()
        .with_state(Arc::clone(&order))
        .with_registry(&lback::manual_registry![long, short]?)
        .connect(&database.url())?;
    let mut session = pool.session()?;
    let mut ids = Vec::new();
    for i in 0..LONG {
        ids.push(
            Users
                .create(&mut session, new_user(&format!("user{i}")))?
                .id,
        );
    }

    let worker = pool.worker().claim(4).start()?;
    wait_until("the long queue is begun", || order.count("long") > 0);
    session.transaction_with_retries(10, |session| Users.delete(session, ids[0]))?;
    wait_until("the other has its turn", || order.count("short") > 0);
    let before = order.count("long");
    wait_until("all are delivered", || order.count("long") == LONG);
    assert_eq!(worker.stop().done, LONG as u64 + 1);
    assert!(before < LONG / 2, "{before} of the long queue came first");
    Ok(())
}
