//! The call of an `async` receiver, erased: a future that owns all it needs, for whoever drives it.

use std::pin::Pin;

use super::Outcome;

/// What an `async` receiver does, with what was kept for it. Nothing happens until it is polled.
// Not public API. Used by generated code.
#[doc(hidden)]
pub type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;
