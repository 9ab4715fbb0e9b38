//! What the server or the stream will never take is a dead letter at the first attempt, and takes no other event
//! along.

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::stream::Config;

use crate::broker::{App, Broker, url};

/// The server takes a megabyte, the stream a thousand bytes.
#[receiver(user_post_create, durable, id = "nats.large")]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let length = match &*user.username {
        "huge" => 2_000_000,
        "large" => 2_000,
        _ => 20,
    };
    let text = "x".repeat(length);
    publisher.publish(delivery, "large.text", &text).await?;
    Ok(())
}

#[test]
fn at_the_first_attempt() {
    if Broker::new("large").is_none() {
        return;
    }
    let config = Config {
        max_message_size: 1_000,
        ..Config::default()
    };
    let broker = Broker::at(&url(), "large", config);
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    for name in ["huge", "large", "small"] {
        app.create(name);
    }
    let delivered = broker.session(&app).deliver_all().unwrap();
    assert_eq!(
        (delivered.done, delivered.dead, delivered.failed),
        (1, 2, 0)
    );
    let reasons = app.reasons();
    let begin = "the event was not handed over to `large.text`: the message";
    assert!(
        reasons[0].starts_with(&format!("{begin} has 2000")),
        "{reasons:?}"
    );
    assert!(
        reasons[0].ends_with("and the server takes 1048576"),
        "{reasons:?}"
    );
    assert_eq!(
        reasons[1],
        format!("{begin} is larger than its stream allows")
    );
    assert_eq!(broker.events().len(), 1);
}
