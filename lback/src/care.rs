//! Code of the user's, at places where a panic must not go on: values that are dropped, errors that
//! are printed, Diesel's instrumentation beside COMMIT.

use std::any::Any;
use std::fmt::Display;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "r2d2")]
use diesel::{QueryResult, result::Error as DieselError};

/// What a panic carries.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Runs it, and catches its panic.
///
/// Whoever asks has to see to it that what `work` may have left half done is not used afterwards.
#[inline]
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(work))
}

/// Runs it; its panic is an error.
#[cfg(feature = "r2d2")]
pub(crate) fn without_panic<T>(work: impl FnOnce() -> QueryResult<T>) -> QueryResult<T> {
    caught(work).unwrap_or_else(|panic| {
        let what = format!("it panicked: {}", message_of(panic));
        Err(DieselError::QueryBuilderError(what.into()))
    })
}

/// Runs it; `None` if it panics, of which nobody is told.
pub(crate) fn unless_it_panics<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(work).map_err(|panic| drop(message_of(panic))).ok()
}

/// Drops a value; the message of its panic, if it panics.
pub(crate) fn drop_quietly<T>(value: T) -> Option<String> {
    caught(move || drop(value)).err().map(message_of)
}

/// What a caller has handed over. If it panics when it is dropped, that goes no further: an operation is what
/// its result says.
pub(crate) struct Quietly<T>(Option<T>);

impl<T> Quietly<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Quietly<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> DerefMut for Quietly<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is there until it is dropped")
    }
}

impl<T> Drop for Quietly<T> {
    #[inline]
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}

/// The same of many, of which more than one may panic.
pub(crate) struct QuietlyEach<T>(Vec<T>);

impl<T> QuietlyEach<T> {
    pub(crate) fn new(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T> Deref for QuietlyEach<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for QuietlyEach<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Drop for QuietlyEach<T> {
    fn drop(&mut self) {
        while let Some(value) = self.0.pop() {
            drop_quietly(value);
        }
    }
}

/// The message of a panic. What it carries is dropped, and may itself panic when it is.
pub(crate) fn message_of(panic: Panic) -> String {
    let message = text_of_panic(panic.as_ref());
    if let Err(again) = caught(move || drop(panic)) {
        // Whatever this one carries, nobody asks for it: leaving it is safer than another attempt.
        std::mem::forget(again);
    }
    message
}

/// What a panic says, if it says anything.
pub(crate) fn text_of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// The text of a value, or, if that panics, what is known of it.
pub(crate) fn text_of(value: &(impl Display + ?Sized)) -> String {
    caught(|| value.to_string())
        .unwrap_or_else(|panic| format!("(its text panicked: {})", message_of(panic)))
}
