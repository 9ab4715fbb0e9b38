//! The event as it is published.

use chrono::{DateTime, SecondsFormat, Utc};
use lback::outbox::Delivery;
use serde::Serialize;
use serde_json::Value;

/// A `CloudEvent` 1.0, in the JSON format. The names of the fields are those of the specification.
#[derive(Serialize)]
pub(crate) struct Event<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    time: String,
    /// An extension of the specification's own: its text sorts as the number does.
    sequence: String,
    datacontenttype: &'static str,
    data: &'a Value,
}

impl<'a> Event<'a> {
    pub(crate) fn new(
        delivery: &'a Delivery,
        source: &'a str,
        r#type: &'a str,
        data: &'a Value,
    ) -> Self {
        let time = DateTime::<Utc>::from(delivery.queued_at);
        Self {
            specversion: "1.0",
            id: &delivery.id,
            source,
            r#type,
            time: time.to_rfc3339_opts(SecondsFormat::Micros, true),
            sequence: format!("{:019}", delivery.seq),
            datacontenttype: "application/json",
            data,
        }
    }
}
