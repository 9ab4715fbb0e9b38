//! What `tracing` is told of each receiver: signal, receiver, duration, outcome; never data.

use crate::receiver::{Outcome, Registration};

/// Whether anybody wants to know.
#[inline]
pub(crate) fn is_on() -> bool {
    #[cfg(feature = "tracing")]
    {
        tracing::enabled!(target: "lback", tracing::Level::DEBUG)
    }
    #[cfg(not(feature = "tracing"))]
    {
        false
    }
}

/// Calls a receiver inside a span, and says how it went.
#[cfg(feature = "tracing")]
#[cold]
pub(crate) fn watch(receiver: &'static Registration, call: impl FnOnce() -> Outcome) -> Outcome {
    let span = tracing::debug_span!(
        target: "lback",
        "receiver",
        signal = receiver.signal.name(),
        receiver = receiver.id,
        phase = %receiver.phase,
    );
    span.in_scope(|| {
        let start = std::time::Instant::now();
        let outcome = call();
        let microseconds = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let word = if outcome.is_ok() { "ok" } else { "failed" };
        tracing::debug!(target: "lback", microseconds, outcome = word, "a receiver has run");
        outcome
    })
}

/// Calls a receiver.
#[cfg(not(feature = "tracing"))]
pub(crate) fn watch(_: &'static Registration, call: impl FnOnce() -> Outcome) -> Outcome {
    call()
}
