//! Publishing, and what comes of it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::{Context, PublishErrorKind as Nats};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{HeaderMap, Subject};
use lback::BoxError;
use lback::outbox::{Delivery, Snooze, Undeliverable};
use serde::Serialize;

use crate::event::Event;
use crate::template::fill;

/// Publishes events to `JetStream`, and awaits that they are stored. A state of the worker, for durable receivers to
/// ask for: `#[state] publisher: &Publisher`.
#[derive(Clone, Debug)]
pub struct Publisher {
    context: Context,
    source: String,
    r#type: String,
    timeout: Duration,
}

const CONTENT_TYPE: &str = "Content-Type";

/// How long to wait for the acknowledgement, unless told.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to put off what finds too many before it.
const BUSY: Duration = Duration::from_secs(1);

impl Publisher {
    /// Publishes through this context, which has been given its client.
    ///
    /// `source` says where events come from, as the URI that `CloudEvents` ask for: an absolute one is recommended,
    /// such as `https://app.example/users`. `source` and `id` together are an event's identity.
    ///
    /// # Errors
    ///
    /// If `source` is empty, or has what no URI has.
    pub fn new(context: Context, source: &str) -> Result<Self, BoxError> {
        let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
        if source.is_empty() || source.contains(is_foreign) {
            return Err(format!("the source of an event is a URI, and not {source:?}").into());
        }
        Ok(Self {
            context,
            source: source.to_owned(),
            r#type: "{signal}".to_owned(),
            timeout: TIMEOUT,
        })
    }

    /// The type of the events, a template as for [`publish`](Self::publish): `{signal}` unless told. `CloudEvents`
    /// recommend a name of one's own before it: `com.example.{signal}`.
    #[must_use]
    pub fn with_type(mut self, template: &str) -> Self {
        template.clone_into(&mut self.r#type);
        self
    }

    /// How long publishing may take, with all that it waits for: 5 seconds unless told. Less than half of the
    /// receiver's `lease`, or another worker publishes the event beside this one.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Publishes `data` as the event of this delivery, and waits until the stream has stored it.
    ///
    /// `subject` is a template. `{signal}` stands for the signal's name, `{receiver}` for the receiver's id, and any
    /// other name for that field of the data, which must be a text or a number: `users.{signal}.{id}`. What stands
    /// in a field has to be one token, without dots, spaces and wildcards; an address, for example, is none.
    ///
    /// The answer says whether the stream had the event already (`duplicate`). That is as good as stored.
    ///
    /// # Errors
    ///
    /// [`PublishError`]. Returned by the receiver, with `?`, it does to the row what the crate's page says.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        delivery: &Delivery,
        subject: &str,
        data: &T,
    ) -> Result<PublishAck, PublishError> {
        self.publish_with_headers(delivery, subject, data, HeaderMap::new())
            .await
    }

    /// [`publish`](Self::publish), with headers of one's own. `Content-Type` and `Nats-Msg-Id` are the event's.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub async fn publish_with_headers<T: Serialize + ?Sized>(
        &self,
        delivery: &Delivery,
        subject: &str,
        data: &T,
        headers: HeaderMap,
    ) -> Result<PublishAck, PublishError> {
        let failed = |kind, source| PublishError {
            kind,
            subject: subject.to_owned(),
            source,
        };
        // No text of serde's: it may quote what is somebody's.
        let data = serde_json::to_value(data)
            .map_err(|_| failed(PublishErrorKind::Data, "the data has no JSON".into()))?;
        let filled = |template| fill(template, delivery, &data);
        let (subject, r#type) = filled(subject)
            .and_then(|subject| Ok((subject, filled(&self.r#type)?)))
            .map_err(|why| failed(PublishErrorKind::Template, why.into()))?;
        let failed = |kind, source| PublishError {
            kind,
            subject: subject.clone(),
            source,
        };
        if !is_subject(&subject) {
            let why = "no message can have this subject".into();
            return Err(failed(PublishErrorKind::Template, why));
        }
        let event = Event::new(delivery, &self.source, &r#type, &data);
        let payload = serde_json::to_vec(&event)
            .map_err(|_| failed(PublishErrorKind::Data, "the data has no JSON".into()))?;
        let headers = with_those_of_the_event(headers, delivery);

        let client = self.context.client();
        if client.connection_state() != State::Connected {
            let why = "there is no connection to a NATS server".into();
            return Err(failed(PublishErrorKind::NotConnected, why));
        }
        // The server would close the connection, and with it all that is awaited on it.
        let (bytes, most) = (
            payload.len() + size_of(&headers),
            client.server_info().max_payload,
        );
        if bytes > most {
            let why = format!("the message has {bytes} bytes, and the server takes {most}");
            return Err(failed(PublishErrorKind::TooLarge, undeliverable(why)));
        }
        let message = PublishMessage::build()
            .payload(payload.into())
            .headers(headers);
        let to = Subject::from(subject.as_str());
        let publish = async { self.context.send_publish(to, message).await?.await };
        let (kind, source) = match tokio::time::timeout(self.timeout, publish).await {
            Ok(Ok(ack)) => return Ok(ack),
            Ok(Err(error)) => classified(error),
            Err(_) => no_answer(),
        };
        Err(failed(kind, source))
    }
}

/// What has come of a message, and what is to become of its row.
fn classified(error: jetstream::context::PublishError) -> (PublishErrorKind, BoxError) {
    let refusal = error.source().and_then(|source| source.downcast_ref());
    let refusal: Option<&jetstream::Error> = refusal;
    match (error.kind(), refusal.map(jetstream::Error::error_code)) {
        (_, Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM)) => {
            let why = "the message is larger than its stream allows".to_owned();
            (PublishErrorKind::TooLarge, undeliverable(why))
        }
        (Nats::MaxAckPending, _) => (PublishErrorKind::Busy, Snooze(BUSY).into()),
        (Nats::StreamNotFound, _) => {
            let why = "no stream has this subject, or JetStream is not there".into();
            (PublishErrorKind::NoStream, why)
        }
        (Nats::TimedOut, _) => no_answer(),
        (Nats::BrokenPipe, _) => {
            let why = "the connection was lost before the answer".into();
            (PublishErrorKind::NotConnected, why)
        }
        _ => (PublishErrorKind::Refused, error.into()),
    }
}

fn no_answer() -> (PublishErrorKind, BoxError) {
    let why = "no acknowledgement came in time".into();
    (PublishErrorKind::TimedOut, why)
}

fn undeliverable(why: String) -> BoxError {
    Undeliverable(why).into()
}

fn is_subject(subject: &str) -> bool {
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "*>".contains(c);
    !subject.contains(is_foreign) && subject.split('.').all(|token| !token.is_empty())
}

/// The two that are the event's stand in the place of others of their name. A map of the client's may hold one name
/// twice, as a text and as a constant, and the server takes the first.
fn with_those_of_the_event(headers: HeaderMap, delivery: &Delivery) -> HeaderMap {
    let mut all = HeaderMap::new();
    let id: &str = NATS_MESSAGE_ID.as_ref();
    for (name, values) in headers.iter() {
        let text: &str = name.as_ref();
        if text.eq_ignore_ascii_case(id) || text.eq_ignore_ascii_case(CONTENT_TYPE) {
            continue;
        }
        for value in values {
            all.append(name.clone(), value.clone());
        }
    }
    all.insert(CONTENT_TYPE, "application/cloudevents+json");
    all.insert(NATS_MESSAGE_ID, delivery.id.as_str());
    all
}

/// How many bytes the headers are on the wire, of which the server says how many it takes.
fn size_of(headers: &HeaderMap) -> usize {
    let values = headers.iter().flat_map(|(name, values)| {
        let name: &str = name.as_ref();
        values
            .iter()
            .map(move |value| name.len() + value.as_str().len() + ": \r\n".len())
    });
    "NATS/1.0\r\n\r\n".len() + values.sum::<usize>()
}

/// Why an event was not published, or at least why nobody knows that it was.
///
/// As a durable receiver's error it carries what is to become of the row: [`Undeliverable`], [`Snooze`], or a failed
/// attempt.
#[derive(Debug)]
pub struct PublishError {
    kind: PublishErrorKind,
    subject: String,
    source: BoxError,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// The data cannot be written as JSON.
    Data,
    /// What the template makes is no subject, or the data has not what it asks for.
    Template,
    /// The server or the stream takes no message as large as this: a dead letter.
    TooLarge,
    /// Too many acknowledgements are awaited: put off.
    Busy,
    /// No stream listens to the subject.
    NoStream,
    /// There is no connection, or it was lost: the stream may have the event.
    NotConnected,
    /// No acknowledgement came in time: the stream may have the event.
    TimedOut,
    /// The stream, or the client, says something else; it is the source.
    Refused,
}

impl PublishError {
    /// What kind of failure it was.
    pub fn kind(&self) -> PublishErrorKind {
        self.kind
    }

    /// The subject that was to have the event, or the template if it could not be filled.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event was not handed over to `{}`", self.subject)
    }
}

impl StdError for PublishError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}
