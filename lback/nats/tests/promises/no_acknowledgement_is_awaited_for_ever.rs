//! Where no acknowledgement comes, the attempt fails after the publisher's timeout; where too many are awaited already,
//! the row is put off and keeps its attempt.

use std::time::{Duration, Instant};

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::context::ContextBuilder;

use crate::broker::{App, Broker, wait_until};

#[receiver(user_post_create, durable, id = "nats.silent", max_attempts = 1)]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    publisher.publish(delivery, "silence.{id}", user).await?;
    Ok(())
}

#[test]
fn nor_for_longer_than_the_timeout() {
    let Some(broker) = Broker::new("silent") else {
        return;
    };
    let _in = broker.runtime.enter();
    // Somebody listens, so that the server does not say that nobody does; and says nothing.
    let silent = broker.client.subscribe("silence.>");
    let _silent = broker.runtime.block_on(silent).unwrap();
    let publisher = broker.publisher().with_timeout(Duration::from_millis(300));
    let app = App::new(publisher, lback::manual_registry![publish]);
    app.create("ada");
    let start = Instant::now();
    let delivered = broker.session(&app).deliver_all().unwrap();
    assert_eq!(delivered.dead, 1);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let reasons = app.reasons();
    assert!(
        reasons[0].ends_with("no acknowledgement came in time"),
        "{reasons:?}"
    );
}

#[test]
fn and_what_finds_too_many_before_it_is_put_off() {
    let Some(broker) = Broker::new("busy") else {
        return;
    };
    let _in = broker.runtime.enter();
    let silent = broker.client.subscribe("silence.>");
    let _silent = broker.runtime.block_on(silent).unwrap();
    let context = ContextBuilder::new()
        .max_ack_inflight(1)
        .backpressure_on_inflight(false)
        .build(broker.client.clone());
    let publisher = Publisher::new(context, "https://app.example/users")
        .unwrap()
        .with_timeout(Duration::from_secs(1));
    let app = App::new(publisher, lback::manual_registry![publish]);
    app.create("ada");
    app.create("grace");
    let worker = app.database.worker().start().unwrap();
    wait_until("one that is dead", || !app.reasons().is_empty());
    let delivered = worker.stop();
    assert_eq!((delivered.dead, delivered.snoozed), (1, 1));
    assert_eq!(app.depths()[0].scheduled + app.depths()[0].ready, 1);
}
