//! While the server is down attempts fail at once and say why, and what the application does goes on. Once it is up
//! again, what waited is published, once.

use std::sync::Mutex;

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::stream::Config;

use crate::broker::{App, Broker, Server, wait_until};

static ALARMS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[receiver(user_post_create, durable, id = "nats.waits")]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let published = publisher.publish(delivery, "waits.{id}", user).await;
    if let Err(error) = &published {
        let why = std::error::Error::source(error).unwrap().to_string();
        ALARMS.lock().unwrap().push(why);
    }
    published?;
    Ok(())
}

#[test]
fn and_are_published_once_it_is_up() {
    let Some((server, url)) = Server::start() else {
        return;
    };
    let broker = Broker::at(&url, "waits", Config::default());
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    let _in = broker.runtime.enter();
    let worker = app.database.worker().start().unwrap();

    app.create("ada");
    wait_until("the first", || app.depths().is_empty());

    server.run(&["stop", "nats"]);
    for name in ["grace", "linus"] {
        app.create(name);
    }
    wait_until("two failed attempts", || ALARMS.lock().unwrap().len() >= 2);
    assert_eq!(
        ALARMS.lock().unwrap()[0],
        "there is no connection to a NATS server"
    );
    let waiting: u64 = app.depths().iter().map(|it| it.scheduled + it.ready).sum();
    assert_eq!(waiting, 2);

    server.run(&["start", "nats"]);
    wait_until("what waited", || app.depths().is_empty());
    let delivered = worker.stop();
    assert_eq!((delivered.done, delivered.dead), (3, 0));
    assert!(delivered.failed >= 2, "{delivered:?}");
    assert_eq!(broker.events().len(), 3);
}
