//! Hands what a durable receiver of [lback](lback::outbox) is told over to NATS `JetStream`, as
//! [CloudEvents](https://cloudevents.io).
//!
//! The row of the outbox is the relay: it stands in the database with the data, and is gone once the stream has
//! acknowledged the event. So an event is in the stream if, and only if, its transaction was committed; sooner or
//! later, however often processes die in between.
//!
//! ```no_run
//! use lback::BoxError;
//! use lback::outbox::Delivery;
//! use lback::sqlite::{Database, prelude::*, users::*};
//! use lback_nats::Publisher;
//! use lback_nats::async_nats::{self, jetstream};
//!
//! /// `users.user_post_create.1`, with the user as data: secrets are `***` in it.
//! #[receiver(user_post_create, user_post_update, durable, id = "nats.users")]
//! async fn publish(
//!     user: &User,
//!     #[state] publisher: &Publisher,
//!     #[state] delivery: &Delivery,
//! ) -> Result<(), BoxError> {
//!     publisher.publish(delivery, "users.{signal}.{id}", user).await?;
//!     Ok(())
//! }
//!
//! async fn start() -> Result<(), BoxError> {
//!     // One that tries again: a program should start without its broker.
//!     let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
//!     let client = options.connect("nats://127.0.0.1:4222").await?;
//!     let publisher = Publisher::new(jetstream::new(client), "https://app.example/users")?;
//!     let database = Database::builder().with_state(publisher).connect("app.db")?;
//!     let worker = database.worker().start()?;
//!     // The application.
//!     worker.stop();
//!     Ok(())
//! }
//! ```
//!
//! # What is published
//!
//! A `CloudEvent` 1.0 in structured mode: the message's payload is one JSON object, so that it is whole wherever it
//! is stored or forwarded to, and the header `Content-Type` is `application/cloudevents+json`.
//!
//! | attribute | is |
//! |---|---|
//! | `specversion` | `1.0` |
//! | `id` | the delivery's id: the same at every attempt, and that of no other event |
//! | `source` | what [`Publisher::new`] was given |
//! | `type` | the signal's name, or what [`Publisher::with_type`] makes of it |
//! | `time` | when the transaction stored the row |
//! | `sequence` | the delivery's `seq` as 19 digits: of two events of one key of an `ordered` receiver, the later has the greater one |
//! | `datacontenttype` | `application/json` |
//! | `data` | what the receiver hands over |
//!
//! # Once
//!
//! The id is the header `Nats-Msg-Id` too. A stream drops what comes again under the same id within its *duplicate
//! window*, and says so: that counts as done. The window is two minutes unless the stream says otherwise, and the
//! pauses between attempts grow to six hours. So an event may come twice if the acknowledgement of the first was
//! lost **and** the next attempts failed for longer than the window: give the stream a window
//! (`duplicate_window`) as long as the outages that you expect, and let consumers compare `source` and `id`.
//!
//! # When it fails
//!
//! | what | then |
//! |---|---|
//! | the server, or the stream, takes no message as large as this | a dead letter at once |
//! | as many acknowledgements are awaited as the context allows (`max_ack_inflight`) | put off for a second; the attempt does not count |
//! | not connected, no stream for the subject, no answer in time, or an error of the stream | a failed attempt, with its reason in the row |
//!
//! While the server is away nothing is given to the client, which would keep it and send it later, beside the next
//! attempt. A stream that does not acknowledge (`no_ack`) gets each event again and again: it cannot be used.

mod event;
mod publisher;
mod template;

pub use async_nats;

pub use self::publisher::{PublishError, PublishErrorKind, Publisher};
