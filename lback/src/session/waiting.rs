//! Waiting for a future in the transaction.

use std::marker::PhantomData;

use super::{Session, SessionConnection};

/// A connection whose sessions can wait for a future ([`SessionConnection::wait`]), on the thread that they
/// are at work on.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Waits: SessionConnection {}

/// What waits. It borrows no session, so that a future may have that.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Waiter<C>(PhantomData<fn() -> C>);

impl<C: SessionConnection> Waiter<C> {
    /// Blocks until it is done.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        C::wait(future)
    }
}

impl<C: SessionConnection> Session<C> {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __waiter(&self) -> Waiter<C> {
        Waiter(PhantomData)
    }
}
