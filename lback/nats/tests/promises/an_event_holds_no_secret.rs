//! What is secret in the program is `***` in the event: the built-in users' and the application's own.

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{prelude::*, users::*};
use lback_nats::Publisher;
use serde::Serialize;

use crate::broker::{App, Broker};

const CANARY: &str = "canary-4711";

/// Data of the application's own.
#[derive(Serialize)]
struct Registered<'a> {
    name: &'a str,
    key: Secret<String>,
    user: &'a User,
}

#[receiver(user_post_create, durable, id = "nats.secret")]
async fn publish(
    user: &User,
    #[state] publisher: &Publisher,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let registered = Registered {
        name: &user.username,
        key: Secret::new(CANARY.to_owned()),
        user,
    };
    publisher
        .publish(delivery, "secret.{name}", &registered)
        .await?;
    Ok(())
}

#[test]
fn not_of_the_user_nor_of_ones_own() {
    let Some(broker) = Broker::new("secret") else {
        return;
    };
    let app = App::new(broker.publisher(), lback::manual_registry![publish]);
    let mut new = NewUser::new("ada", "ada@example.com", CANARY).unwrap();
    new.email_verification_token = Some(Secret::new(CANARY.to_owned()));
    new.auth_token = Some(Secret::new(CANARY.to_owned()));
    let mut session = broker.session(&app);
    UserRepository::new().create(&mut session, new).unwrap();
    assert_eq!(session.deliver_all().unwrap().done, 1);

    let messages = broker.messages();
    assert_eq!(messages.len(), 1);
    let text = String::from_utf8(messages[0].payload.to_vec()).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    assert!(!text.contains("argon2"), "{text}");
    let event = &broker.events()[0];
    assert_eq!(event["data"]["key"], "***");
    for field in ["password", "email_verification_token", "auth_token"] {
        assert_eq!(event["data"]["user"][field], "***", "{field}");
    }
}
