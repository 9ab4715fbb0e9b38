//! The stream has an event once: though the receiver failed behind the acknowledgement, and though its process died
//! there.

use std::process::Command;
use std::sync::{Arc, Mutex};

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::publish::PublishAck;
use lback_nats::async_nats::jetstream::stream::Config;

use crate::broker::{App, Broker, url, wait_until};

type Acks = Arc<Mutex<Vec<PublishAck>>>;

#[receiver(user_post_create, durable, id = "nats.fails")]
async fn fails_behind_it(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
    #[state] acks: &Acks,
) -> Result<(), BoxError> {
    let ack = publisher.publish(delivery, "fails.{signal}", user).await?;
    acks.lock().unwrap().push(ack);
    match delivery.attempt {
        1 => Err("as if nobody had heard the answer".into()),
        _ => Ok(()),
    }
}

#[test]
fn though_the_receiver_failed_behind_the_acknowledgement() {
    let Some(broker) = Broker::new("fails") else {
        return;
    };
    let app = App::new(broker.publisher(), lback::manual_registry![fails_behind_it]);
    app.create("ada");
    let acks = Acks::default();
    let mut session = broker.session(&app).with_state(Arc::clone(&acks));
    let delivered = session.deliver_all().unwrap();
    assert_eq!((delivered.failed, delivered.done), (1, 1));

    let acks = acks.lock().unwrap();
    let is_duplicate: Vec<_> = acks.iter().map(|ack| ack.duplicate).collect();
    assert_eq!(is_duplicate, [false, true]);
    assert_eq!(broker.events().len(), 1);
}

const VICTIM: &str = "LBACK_NATS_VICTIM";

#[receiver(user_post_create, durable, id = "nats.dies", lease = 1)]
async fn dies_behind_it(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    publisher.publish(delivery, "dies.{signal}", user).await?;
    if std::env::var_os(VICTIM).is_some() {
        std::process::abort();
    }
    Ok(())
}

#[test]
fn though_its_process_died_behind_the_acknowledgement() {
    let registry = || lback::manual_registry![dies_behind_it];
    if let Some(file) = std::env::var_os(VICTIM) {
        let broker = Broker::connected(&url(), "dies");
        let app = App::at(file.as_ref(), broker.publisher(), registry());
        let _in = broker.runtime.enter();
        let _worker = app.database.worker().start().unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    if Broker::new("dies").is_none() {
        return;
    }
    let broker = Broker::at(&url(), "dies", Config::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let app = App::at(&file, broker.publisher(), registry());
    app.create("ada");

    let name = "promises::an_event_is_stored_once_however_often_it_is_published::\
                though_its_process_died_behind_the_acknowledgement";
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(VICTIM, &file)
        .output()
        .unwrap();
    assert_eq!(died.status.code(), None, "{died:?}");
    assert_eq!(broker.events().len(), 1);
    assert_eq!(app.depths().len(), 1, "nobody has told the outbox");

    let _in = broker.runtime.enter();
    let worker = app.database.worker().start().unwrap();
    wait_until("the next worker", || app.depths().is_empty());
    assert_eq!(worker.stop().done, 1);
    assert_eq!(broker.events().len(), 1);
}
