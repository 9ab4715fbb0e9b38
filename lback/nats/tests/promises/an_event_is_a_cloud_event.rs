//! An event has the attributes that CloudEvents 1.0 require, in its JSON format, and is found again by its id.

use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback::{BoxError, Timestamp};
use lback_nats::Publisher;
use lback_nats::async_nats::{HeaderMap, HeaderName, HeaderValue};

use crate::broker::{App, Broker};

#[receiver(user_post_create, user_post_update, durable, id = "nats.cloud", ordered = |user: &User| user.id)]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let mut headers = HeaderMap::new();
    headers.insert("Tenant", "acme");
    // The event's own, whatever a receiver says.
    headers.insert("Nats-Msg-Id", "1");
    headers.insert("content-type", "text/plain");
    let publisher = publisher.clone().with_type("com.example.{signal}");
    publisher
        .publish_with_headers(delivery, "cloud.{signal}", user, headers)
        .await?;
    Ok(())
}

#[test]
fn with_the_deliverys_id() {
    let Some(broker) = Broker::new("cloud") else {
        return;
    };
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    let ada = app.create("ada");
    let changes = UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    let mut session = broker.session(&app);
    UserRepository::new()
        .update(&mut session, &ada, changes)
        .unwrap();
    assert_eq!(session.deliver_all().unwrap().done, 2);

    let (messages, events) = (broker.messages(), broker.events());
    let subjects: Vec<_> = messages.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["cloud.user_post_create", "cloud.user_post_update"]
    );
    let (message, event) = (&messages[0], &events[0]);
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], "https://app.example/users");
    assert_eq!(event["type"], "com.example.user_post_create");
    let id = event["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "a UUID");
    assert_ne!(id, events[1]["id"]);

    assert_eq!(event["datacontenttype"], "application/json");
    let time: Timestamp = serde_json::from_value(event["time"].clone()).unwrap();
    let age = *Timestamp::now() - *time;
    assert!((0..60).contains(&age.num_seconds()), "{event}");
    let sequence = |event: &serde_json::Value| event["sequence"].as_str().unwrap().to_owned();
    assert!(sequence(event) < sequence(&events[1]));
    assert_eq!(sequence(event).len(), 19);
    assert_eq!(event["data"], serde_json::to_value(&ada).unwrap());

    let header = |(name, values): (&HeaderName, &Vec<HeaderValue>)| {
        let values: Vec<_> = values.iter().map(HeaderValue::as_str).collect();
        format!("{name}: {}", values.join(", "))
    };
    let mut headers: Vec<_> = message.headers.iter().map(header).collect();
    headers.sort();
    let id = format!("Nats-Msg-Id: {id}");
    let content = "Content-Type: application/cloudevents+json";
    assert_eq!(headers, [content, &id, "Tenant: acme"]);
}
