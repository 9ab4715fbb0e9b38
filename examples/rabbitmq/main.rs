//! Durable receivers that publish to `RabbitMQ`. The row of the outbox is gone once the broker has confirmed the
//! message, so none is lost; one may come twice, and its id tells.
//!
//! It needs a server: that of `LBACK_TEST_RABBITMQ_URL`, which `tests/services up rabbitmq` starts on Debian, or one
//! at the usual port.
//!
//! `cargo run --manifest-path examples/rabbitmq/Cargo.toml`

mod rabbit;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{Database, prelude::*, users::*};
use rabbit::Rabbit;

const EXCHANGE: &str = "amq.topic";
const QUEUE: &str = "lback.example.users";

/// For each user in the order of the changes: later ones must not overtake earlier ones.
#[receiver(user_post_create, user_post_update, durable, id = "rabbit.users", ordered = |user: &User| user.id)]
async fn publish(
    user: &User,
    #[state] rabbit: &Rabbit,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    // As JSON the password and the tokens are `***`.
    let body = serde_json::to_string(user)?;
    let key = format!("example.users.{}", delivery.signal);
    rabbit.publish(delivery, &key, &body).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let url = std::env::var("LBACK_TEST_RABBITMQ_URL")
        .unwrap_or_else(|_| "amqp://127.0.0.1:5672/%2f".into());
    let mut consumer = Consumer::connect(&url).await?;
    consumer.listen().await?;

    let rabbit = Arc::new(Rabbit::new(&url, EXCHANGE));
    let database = Database::builder()
        .with_state(Arc::clone(&rabbit))
        .with_failure_handler(|failure| println!("  alarm: {failure}"))
        .connect(":memory:")?;
    database
        .run(|session| {
            lback::sqlite::migrate(session)?;
            lback::sqlite::migrate_outbox(session)
        })
        .await?;
    let worker = database.worker().start()?;
    let users = UserRepository::new();

    println!("all is well");
    let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    let ada = database
        .run(move |session| users.create(session, new))
        .await?;
    assert_eq!(consumer.next().await?, "user_post_create: ada, secret ***");

    println!("the connection is lost: the next attempt makes another");
    rabbit.lose().await?;
    rename(&database, ada.id, "countess").await?;
    assert_eq!(
        consumer.next().await?,
        "user_post_update: countess, secret ***"
    );

    println!("no queue is bound: the change is stored, and the message waits");
    consumer.forget().await?;
    rename(&database, ada.id, "lovelace").await?;
    wait_until(&database, |depths| {
        depths.iter().any(|it| it.scheduled == 1)
    })
    .await?;
    consumer.listen().await?;
    assert_eq!(
        consumer.next().await?,
        "user_post_update: lovelace, secret ***"
    );

    wait_until(&database, <[_]>::is_empty).await?;
    let delivered = tokio::task::spawn_blocking(move || worker.stop()).await?;
    assert_eq!(delivered.done, 3);
    consumer.forget().await
}

async fn rename(database: &Database, id: UserId, name: &'static str) -> lback::Result<User> {
    let changes = UserChanges {
        username: Some(name.into()),
        ..Default::default()
    };
    database
        .run(move |session| UserRepository::new().update(session, id, changes))
        .await
}

/// Until the outbox is so.
async fn wait_until(
    database: &Database,
    is_so: impl Fn(&[lback::outbox::Depth]) -> bool,
) -> Result<(), BoxError> {
    let start = Instant::now();
    while !is_so(&database.run(|session| session.outbox().depths()).await?) {
        if start.elapsed() > Duration::from_secs(60) {
            return Err("it takes too long".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Another program.
struct Consumer {
    /// What it was told already. It would stand in its database, written with what the message leads to.
    seen: HashSet<String>,
    channel: Channel,
    _connection: Connection,
}

impl Consumer {
    async fn connect(url: &str) -> Result<Self, BoxError> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        Ok(Self {
            seen: HashSet::new(),
            channel: connection.create_channel().await?,
            _connection: connection,
        })
    }

    async fn listen(&self) -> Result<(), BoxError> {
        let durable = QueueDeclareOptions {
            durable: true,
            ..Default::default()
        };
        self.channel
            .queue_declare(QUEUE.into(), durable, FieldTable::default())
            .await?;
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        self.channel
            .queue_bind(
                QUEUE.into(),
                EXCHANGE.into(),
                "example.users.*".into(),
                options,
                arguments,
            )
            .await?;
        Ok(())
    }

    async fn forget(&self) -> Result<(), BoxError> {
        self.channel
            .queue_delete(QUEUE.into(), QueueDeleteOptions::default())
            .await?;
        Ok(())
    }

    /// The next message that it has not seen.
    async fn next(&mut self) -> Result<String, BoxError> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let options = BasicGetOptions { no_ack: true };
            let Some(message) = self.channel.basic_get(QUEUE.into(), options).await? else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let properties = &message.delivery.properties;
            let id = properties.message_id().as_ref().ok_or("no id")?;
            if !self.seen.insert(id.to_string()) {
                continue;
            }
            let user: serde_json::Value = serde_json::from_slice(&message.delivery.data)?;
            let (name, secret) = (user["username"].as_str(), user["password"].as_str());
            let text = format!(
                "{}: {}, secret {}",
                properties.kind().as_ref().ok_or("no type")?,
                name.unwrap_or_default(),
                secret.unwrap_or_default()
            );
            println!("  received {text}");
            return Ok(text);
        }
        Err("no message comes".into())
    }
}
