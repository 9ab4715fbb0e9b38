//! Which errors can be asked whether another attempt may succeed.

use std::error::Error as StdError;
use std::ops::Deref;

use super::carried;

/// An error that can be asked whether the same transaction may succeed if it is run again.
///
/// Implemented for every error, and for what holds one: `anyhow::Error`, `eyre::Report`,
/// `Box<dyn Error + Send + Sync>`. `Via` tells the two apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked whether another attempt may succeed",
    label = "neither an error nor a box of one",
    note = "implement `std::error::Error` for it, with the error of the database as its source"
)]
pub trait Retryable<Via> {
    /// As [`Error::is_retryable`](super::Error::is_retryable).
    fn is_retryable(&self) -> bool;
}

/// It is an error itself.
#[derive(Debug)]
pub enum AnError {}

/// It holds an error.
#[derive(Debug)]
pub enum HoldsAnError {}

impl<E: StdError + 'static> Retryable<AnError> for E {
    fn is_retryable(&self) -> bool {
        carried::is_retryable(self)
    }
}

impl<B: Deref<Target = E>, E: AsError + ?Sized> Retryable<HoldsAnError> for B {
    fn is_retryable(&self) -> bool {
        carried::is_retryable((**self).as_error())
    }
}

/// An error of which only that is known.
pub trait AsError {
    /// The same.
    fn as_error(&self) -> &(dyn StdError + 'static);
}

impl AsError for dyn StdError + Send + Sync + 'static {
    fn as_error(&self) -> &(dyn StdError + 'static) {
        self
    }
}

impl AsError for dyn StdError + Send + 'static {
    fn as_error(&self) -> &(dyn StdError + 'static) {
        self
    }
}

impl AsError for dyn StdError + 'static {
    fn as_error(&self) -> &(dyn StdError + 'static) {
        self
    }
}
