//! What a receiver is: its identity, its phase, its place in the order, and its handler.
//!
//! Everything here is plain data that `#[receiver]` writes into a `static`. It knows nothing of
//! sessions, databases or users.

mod durable;
mod payload;
mod signal;
#[cfg(feature = "tokio")]
mod task;

pub use self::durable::{Deliver, Delivery, Durable, Upcast};
pub use self::payload::{
    Argument, Encodings, Incoming, OrderKey, Payload, Stored, argument, owned_argument,
};
pub(crate) use self::payload::{Encoded, Undecodable};
pub use self::signal::{Signal, SignalInfo, Timing};
#[cfg(feature = "tokio")]
pub use self::task::Task;

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The error that a receiver may return, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What a handler gives back.
pub type Outcome = Result<(), BoxError>;

/// When a receiver runs, measured against the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// At once, inside the uncommitted transaction: its error stops or undoes the operation.
    InTransaction,
    /// Once the outermost transaction has really committed.
    AfterCommit,
    /// Once the outermost transaction has ended, if the operation turned out not to last.
    AfterRollback,
    /// Once the outermost transaction has committed, and as often as it takes: a row is stored by that
    /// transaction, and delivered by a worker.
    Durable,
}

impl Phase {
    /// Whether a receiver is queued when its signal is sent, and runs later.
    pub(crate) const fn waits(self) -> bool {
        match self {
            Self::InTransaction => false,
            Self::AfterCommit | Self::AfterRollback | Self::Durable => true,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InTransaction => "in transaction",
            Self::AfterCommit => "after commit",
            Self::AfterRollback => "after rollback",
            Self::Durable => "durable",
        })
    }
}

/// What the failure of a receiver in the transaction means for the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnError {
    /// The operation fails and is undone.
    Abort,
    /// What the receiver wrote is undone, the failure is reported, the operation goes on.
    Isolate,
}

/// A place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One receiver of one signal: who it is, and how it wants to be called.
///
/// A function that listens to three signals has three registrations.
#[derive(Debug)]
#[non_exhaustive]
pub struct Registration {
    /// The signal.
    pub signal: &'static SignalInfo,
    /// The stable identity, unique per signal.
    pub id: &'static str,
    /// The function's path.
    pub path: &'static str,
    /// Where the function stands.
    pub place: Place,
    /// Lower runs first.
    pub order: i32,
    /// When it runs.
    pub phase: Phase,
    /// What its failure means.
    pub on_error: OnError,
    /// Whether it names `session` or `conn`, and so may write.
    pub uses_session: bool,
    /// Whether it is an `async fn`, and so runs beside the session, on a runtime.
    pub is_async: bool,
    pub(crate) durable: Option<&'static Durable>,
    function: fn() -> Function,
    pub(crate) states: &'static [StateNeed],
    pub(crate) before: &'static [Neighbour],
    pub(crate) after: &'static [Neighbour],
}

/// A receiver's function: the key by which it is found, and its path.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Function {
    key: TypeId,
    full_path: &'static str,
}

impl Function {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn of<F: 'static>(_: &F) -> Self {
        Self {
            key: TypeId::of::<F>(),
            full_path: std::any::type_name::<F>(),
        }
    }
}

/// Another receiver, named in `before` or `after`.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    pub(crate) function: fn() -> TypeId,
    pub(crate) written: &'static str,
}

impl Neighbour {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(function: fn() -> TypeId, written: &'static str) -> Self {
        Self { function, written }
    }
}

/// A state that a receiver asks for.
#[derive(Clone, Copy, Debug)]
pub struct StateNeed {
    /// Of the type, and of an `Arc` that holds it.
    pub(crate) keys: fn() -> [TypeId; 2],
    pub(crate) type_name: fn() -> &'static str,
}

impl StateNeed {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn of<T: ?Sized + 'static>() -> Self {
        Self {
            keys: || [TypeId::of::<T>(), TypeId::of::<Arc<T>>()],
            type_name: std::any::type_name::<T>,
        }
    }
}

impl Registration {
    /// The function, as a key.
    pub(crate) fn function(&self) -> TypeId {
        (self.function)().key
    }

    /// The function's path, with the functions around it, which [`path`](Self::path) does not name.
    pub(crate) fn full_path(&self) -> &'static str {
        (self.function)().full_path
    }

    /// Whether nobody chose the id.
    pub(crate) fn has_default_id(&self) -> bool {
        self.id == self.path
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(
        signal: &'static SignalInfo,
        path: &'static str,
        place: Place,
        function: fn() -> Function,
    ) -> Self {
        Self {
            signal,
            id: path,
            path,
            place,
            order: 0,
            phase: Phase::InTransaction,
            on_error: OnError::Abort,
            uses_session: false,
            is_async: false,
            durable: None,
            function,
            states: &[],
            before: &[],
            after: &[],
        }
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn id(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn before(mut self, others: &'static [Neighbour]) -> Self {
        self.before = others;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn after(mut self, others: &'static [Neighbour]) -> Self {
        self.after = others;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn states(mut self, states: &'static [StateNeed]) -> Self {
        self.states = states;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn durable(mut self, durable: &'static Durable) -> Self {
        self.phase = Phase::Durable;
        self.durable = Some(durable);
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn isolated(mut self) -> Self {
        self.on_error = OnError::Isolate;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn uses_session(mut self) -> Self {
        self.uses_session = true;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn asynchronous(mut self) -> Self {
        self.is_async = true;
        self
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "receiver `{}` of `{}` ({})",
            self.id, self.signal, self.place
        )
    }
}

/// Calls a receiver with the arguments it names; for an effect, queues that call, and
/// for a durable receiver what is stored for it.
pub type Handler<S> = for<'x, 'a> fn(&'x mut <S as Signal>::Args<'a>) -> Outcome;

/// Answers `when`.
pub type Condition<S> = for<'x, 'a> fn(&'x mut <S as Signal>::Args<'a>) -> bool;

/// A registration with its code, typed by its signal.
pub struct Receiver<S: Signal> {
    pub(crate) registration: Registration,
    pub(crate) handler: Handler<S>,
    pub(crate) condition: Option<Condition<S>>,
}

impl<S: Signal> Receiver<S> {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(registration: Registration, handler: Handler<S>) -> Self {
        Self {
            registration,
            handler,
            condition: None,
        }
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn when(mut self, condition: Condition<S>) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Who it is and how it wants to be called.
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }
}

/// A receiver of whichever signal: what registries hold. Whoever knows the signal finds the
/// receiver itself in it, once, when the signal's table is made.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Listed: Any + Sync {
    fn registration(&self) -> &Registration;
    /// Whether it has a `when`.
    fn has_condition(&self) -> bool;
}

impl<S: Signal> Listed for Receiver<S> {
    fn registration(&self) -> &Registration {
        &self.registration
    }

    fn has_condition(&self) -> bool {
        self.condition.is_some()
    }
}

/// What a receiver may return, and a closure given to `on_commit` or `on_rollback`.
///
/// Implemented for `()`, for `Result<(), E>` of any error, and for `Result<usize, E>`, which is what
/// Diesel's `execute` returns.
#[diagnostic::on_unimplemented(
    message = "a receiver cannot return `{Self}`",
    label = "return `()`, `Result<(), E>`, or what Diesel's `execute` returns",
    note = "`E` is any error: a type that converts into `Box<dyn std::error::Error + Send + Sync>`; of a `Box<dyn Error>`, add `+ Send + Sync`"
)]
pub trait IntoOutcome {
    /// Boxes the error, if there is one.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    #[inline]
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

// Otherwise the message would be about `E` and the standard library.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoOutcome for Result<(), E> {
    #[inline]
    fn into_outcome(self) -> Outcome {
        self.map_err(Into::into)
    }
}

/// What `execute` returns: how many rows were written is no receiver's news.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoOutcome for Result<usize, E> {
    #[inline]
    fn into_outcome(self) -> Outcome {
        self.map(drop).map_err(Into::into)
    }
}
