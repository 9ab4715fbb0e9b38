//! What the receivers publish with.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use lback::BoxError;
use lback::outbox::Delivery;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A connection and a channel, made when they are needed, and anew when they are lost.
///
/// One message at a time: `RabbitMQ` says that a message was returned before it confirms it, but the client gives what
/// came back to whichever confirmation comes next. With two in flight the wrong one might count as delivered. For
/// more at once, have more of these.
pub struct Rabbit {
    url: String,
    exchange: String,
    line: Mutex<Option<Line>>,
}

struct Line {
    channel: Channel,
    /// It is closed when it is dropped.
    connection: Connection,
}

/// Much less than a lease, or another worker publishes beside this one.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Rabbit {
    #[must_use]
    pub fn new(url: &str, exchange: &str) -> Self {
        Self {
            url: url.to_owned(),
            exchange: exchange.to_owned(),
            line: Mutex::default(),
        }
    }

    /// Returns once the broker has the message in a queue, on its disk if the queue is durable.
    pub async fn publish(
        &self,
        delivery: &Delivery,
        routing_key: &str,
        body: &str,
    ) -> Result<(), BoxError> {
        let mut line = self.line.lock().await;
        let published = timeout(
            TIMEOUT,
            self.attempt(&mut line, delivery, routing_key, body),
        );
        let published = published
            .await
            .unwrap_or_else(|_| Err("no confirmation came in time".into()));
        if published.is_err() {
            // Nobody knows what still comes on it: an answer to this message must not count for the next.
            *line = None;
        }
        published
    }

    async fn attempt(
        &self,
        line: &mut Option<Line>,
        delivery: &Delivery,
        routing_key: &str,
        body: &str,
    ) -> Result<(), BoxError> {
        if line
            .as_ref()
            .is_none_or(|line| !line.channel.status().connected())
        {
            *line = Some(Line::open(&self.url).await?);
        }
        let channel = &line.as_ref().ok_or("there is no channel")?.channel;
        let seconds = delivery.queued_at.duration_since(std::time::UNIX_EPOCH)?;
        let properties = BasicProperties::default()
            // On the disk, where the queue is durable.
            .with_delivery_mode(2)
            // The same at every attempt: RabbitMQ keeps both, and consumers drop the second.
            .with_message_id(delivery.id.as_str().into())
            .with_type(delivery.signal.into())
            .with_timestamp(seconds.as_secs())
            .with_content_type("application/json".into());
        let options = BasicPublishOptions {
            // What no queue is bound for comes back. Without this it is dropped, and confirmed.
            mandatory: true,
            ..Default::default()
        };
        let exchange = self.exchange.as_str().into();
        let confirm = channel
            .basic_publish(
                exchange,
                routing_key.into(),
                options,
                body.as_bytes(),
                properties,
            )
            .await?;
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => {
                Err(format!("no queue is bound for `{routing_key}`").into())
            }
            Confirmation::Nack(_) => Err("the broker could not take the message".into()),
            Confirmation::NotRequested => Err("the channel confirms nothing".into()),
        }
    }

    /// Loses the connection, as a network does.
    pub async fn lose(&self) -> Result<(), BoxError> {
        if let Some(line) = &*self.line.lock().await {
            line.connection.close(320, "lost".into()).await?;
        }
        Ok(())
    }
}

impl Line {
    async fn open(url: &str) -> Result<Self, BoxError> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self {
            channel,
            connection,
        })
    }
}
