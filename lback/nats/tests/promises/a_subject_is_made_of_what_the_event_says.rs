//! A subject is filled with what the delivery and the data say, each place with one token. What would be another
//! subject than was meant is refused.

use std::sync::{Arc, Mutex};

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::{PublishErrorKind, Publisher};
use serde_json::json;

use crate::broker::{App, Broker};

type Seen = Arc<Mutex<Vec<Result<(), (PublishErrorKind, String)>>>>;

const WRONG: [(&str, &str); 9] = [
    ("made.{nobody}", "the data has no `nobody`"),
    (
        "made.{dots}",
        "`dots` of the data cannot be a token of a subject",
    ),
    (
        "made.{star}",
        "`star` of the data cannot be a token of a subject",
    ),
    (
        "made.{empty}",
        "`empty` of the data cannot be a token of a subject",
    ),
    (
        "made.{spaces}",
        "`spaces` of the data cannot be a token of a subject",
    ),
    ("made.{list}", "`list` of the data is no text and no number"),
    ("made.{id", "`made.{id` has a `{` without its `}`"),
    ("made..{id}", "no message can have this subject"),
    ("made.>", "no message can have this subject"),
];

#[receiver(user_post_create, durable, id = "nats.made")]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
    #[state] seen: &Seen,
) -> Result<(), BoxError> {
    let data = json!({
        "id": user.id, "name": "ada", "is_active": true, "dots": "a.b", "star": "*", "empty": "", "spaces": "a b",
        "list": [],
    });
    let right = "made.{signal}.{receiver}.{id}.{name}-{is_active}";
    for template in WRONG.iter().map(|it| it.0).chain([right]) {
        let published = publisher.publish(delivery, template, &data).await;
        let published = published.map(|_| ()).map_err(|error| {
            let why = std::error::Error::source(&error).unwrap().to_string();
            (error.kind(), why)
        });
        seen.lock().unwrap().push(published);
    }
    Ok(())
}

#[test]
fn and_is_what_was_meant() {
    let Some(broker) = Broker::new("made") else {
        return;
    };
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    app.create("ada");
    let seen = Seen::default();
    let mut session = broker.session(&app).with_state(Arc::clone(&seen));
    assert_eq!(session.deliver_all().unwrap().done, 1);
    let seen = seen.lock().unwrap();
    for ((template, why), seen) in WRONG.iter().zip(&*seen) {
        let why = (PublishErrorKind::Template, (*why).to_owned());
        assert_eq!(*seen, Err(why), "{template}");
    }
    assert_eq!(seen[WRONG.len()], Ok(()));
    let subject = &broker.messages()[0].subject;
    assert_eq!(
        subject.as_str(),
        "made.user_post_create.nats.made.1.ada-true"
    );
}

#[test]
fn and_a_source_is_a_uri() {
    let Some(broker) = Broker::new("source") else {
        return;
    };
    for wrong in ["", "my app", "<app>"] {
        assert!(Publisher::new(broker.context(), wrong).is_err(), "{wrong}");
    }
    assert!(Publisher::new(broker.context(), "/users").is_ok());
}
