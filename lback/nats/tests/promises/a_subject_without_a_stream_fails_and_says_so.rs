//! An event to whose subject no stream listens is not lost: the attempt fails, and the row says why.

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::stream::Config;

use crate::broker::{App, Broker, url};

#[receiver(user_post_create, durable, id = "nats.astray", max_attempts = 2)]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    publisher.publish(delivery, "astray.{id}", user).await?;
    Ok(())
}

#[test]
fn and_is_published_once_there_is_one() {
    let Some(broker) = Broker::new("elsewhere") else {
        return;
    };
    let context = broker.context();
    // What an earlier run has left.
    let _ = broker.runtime.block_on(context.delete_stream("astray"));
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    let user = app.create("ada");
    let delivered = broker.session(&app).deliver_all().unwrap();
    assert_eq!((delivered.failed, delivered.dead), (1, 1));
    let why = format!(
        "the event was not handed over to `astray.{}`: no stream has this subject, or JetStream is not there",
        user.id
    );
    assert_eq!(app.reasons(), [why]);

    let there = Broker::at(&url(), "astray", Config::default());
    let mut session = broker.session(&app);
    let letter = session.outbox().dead_letters(1).unwrap().remove(0);
    assert!(session.outbox().replay(&letter.id).unwrap());
    assert_eq!(session.deliver_all().unwrap().done, 1);
    assert_eq!(there.events()[0]["id"], letter.id);
}
