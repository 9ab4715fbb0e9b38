//! What `tracing` is told of each receiver: signal, receiver, duration, outcome; never data.

#[cfg(feature = "tokio")]
use crate::receiver::Task;
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
    span_of(receiver).in_scope(|| {
        let start = std::time::Instant::now();
        let outcome = call();
        tell(start, &outcome);
        outcome
    })
}

/// As [`watch`], for a receiver that is polled: inside the span whenever it is.
#[cfg(all(feature = "tracing", feature = "tokio"))]
pub(crate) fn follow(receiver: &'static Registration, mut task: Task) -> Task {
    if !is_on() {
        return task;
    }
    let span = span_of(receiver);
    let start = std::time::Instant::now();
    Box::pin(std::future::poll_fn(move |context| {
        span.in_scope(|| {
            let polled = task.as_mut().poll(context);
            if let std::task::Poll::Ready(outcome) = &polled {
                tell(start, outcome);
            }
            polled
        })
    }))
}

#[cfg(feature = "tracing")]
fn span_of(receiver: &'static Registration) -> tracing::Span {
    tracing::debug_span!(
        target: "lback",
        "receiver",
        signal = receiver.signal.name(),
        receiver = receiver.id,
        phase = %receiver.phase,
    )
}

#[cfg(feature = "tracing")]
fn tell(start: std::time::Instant, outcome: &Outcome) {
    let microseconds = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let word = if outcome.is_ok() { "ok" } else { "failed" };
    tracing::debug!(target: "lback", microseconds, outcome = word, "a receiver has run");
}

/// Calls a receiver.
#[cfg(not(feature = "tracing"))]
pub(crate) fn watch(_: &'static Registration, call: impl FnOnce() -> Outcome) -> Outcome {
    call()
}

/// Nobody looks on.
#[cfg(all(not(feature = "tracing"), feature = "tokio"))]
pub(crate) fn follow(_: &'static Registration, task: Task) -> Task {
    task
}
