//! Signals: their declaration, their sending, and the telling of changes.

mod any;
mod audience;
mod careful;
mod change;
mod declare;
mod given;
mod manual;
mod send;
mod table;

use std::any::{Any, TypeId};

#[allow(unused_imports)] // unused without any database
pub(crate) use self::any::any_signals;
pub use self::any::{
    AnyCall, AnyRow, AnySignal, AnySignals, AnySource, ByAny, OfAnyEntity, Shown, ShownByNobody,
    ShownBySerde,
};
pub use self::change::{Change, ChangeSignal, Compared, hears_changes, note_change};
pub use self::given::Lend;
pub use self::manual::{ByHand, ManualRegistry, ManualRegistryBuilder, no_receiver};
pub(crate) use self::send::{Plan, check_sendable};
pub use self::send::{dispatch, send, send_plain};
pub use self::table::Tables;
use crate::receiver::{BoxError, Listed, Receiver, Signal};
use crate::session::{Session, SessionConnection, Waits};

/// A signal that `#[signal]` declared.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    label = "not a signal",
    note = "a signal is named like `user_post_create`: `noun_pre_verb` or `noun_post_verb`; `#[signal]` and `#[repository]` declare them"
)]
pub trait Declared: Signal {
    /// The signal, if it is one: where it is not, whatever is made of this has an unknown type, and
    /// the compiler stays silent after the first error. The same in the traits below.
    type Itself;
    /// A type whose name tells the arguments, for messages.
    type Arguments;
    /// Makes entries. A method of a value, since a path would be reported missing a second time.
    type Registrar;
    const REGISTRAR: Self::Registrar;
    /// Which receivers of every entity hear it.
    const ANY: Option<&'static dyn AnySource<Self>> = None;
    fn tables() -> &'static Tables<Self>;
    fn each(visit: &mut dyn FnMut(&'static Receiver<Self>));
}

/// A signal with an argument of this name, which stands here as a number.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the signal `{Self}` has no argument of this name",
    label = "neither an argument of the signal nor marked",
    note = "its arguments are named in `{Arguments}`",
    note = "what is in the session's state is marked: `#[state] mailer: &Mailer`; a parameter for the connection is called `conn` or marked `#[conn]`"
)]
pub trait HasArgument<const NAME: u64, Arguments> {
    type Itself;
}

/// `T`, if the type that this is implemented for exists: a signal that has the argument.
///
/// Where it has none, `Itself` is a type that the compiler never learns. So what becomes of a value goes through
/// `lent` and `owned`: of whatever else tells the type, what it lacks would be a second error.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait IfGiven<T: ?Sized> {
    type Itself: ?Sized;
    fn lent(it: &Self::Itself) -> &T;
    fn owned(it: Self::Itself) -> T
    where
        Self::Itself: Sized,
        T: Sized;
}

impl<S, T: ?Sized> IfGiven<T> for S {
    type Itself = T;

    #[inline]
    fn lent(it: &T) -> &T {
        it
    }

    #[inline]
    fn owned(it: T) -> T
    where
        T: Sized,
    {
        it
    }
}

/// A signal with a field `session`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the signal `{Self}` has no session",
    label = "needs a session",
    note = "`conn`, `#[state]`, the phases `after_commit`, `after_rollback` and `durable`, and `on_error = \"isolate\"` need a signal with the field `session: &'a mut Session`"
)]
pub trait SessionSignal: Declared {
    type Itself;
    type Connection: SessionConnection;
    type Timing;
    fn session<'b>(args: &'b mut Self::Args<'_>) -> &'b mut Session<Self::Connection>;
}

/// The timing of a signal that is sent before something is done.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub enum Pre {}

/// The timing of one that is sent afterwards.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub enum Post {}

/// A timing at which there is something to commit, or to undo alone.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Done {}

impl Done for Post {}

/// A signal whose receivers may have the phase `after_commit`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a receiver of `{Self}` cannot have the phase `after_commit`",
    label = "this signal has no `after_commit`",
    note = "a pre signal is sent before anything is stored: use its post signal (`..._post_...`), or the phase `after_rollback`"
)]
pub trait AllowsAfterCommit: SessionSignal {
    type Itself;
}

// Otherwise the message would be about `Done`. The same wherever it stands.
#[diagnostic::do_not_recommend]
impl<S: SessionSignal<Timing: Done>> AllowsAfterCommit for S {
    type Itself = S;
}

/// A signal whose receivers may be durable.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a receiver of `{Self}` cannot be durable",
    label = "this signal has no `durable`",
    note = "a pre signal is sent before anything is stored: use its post signal (`..._post_...`)"
)]
pub trait AllowsDurable: SessionSignal {
    type Itself;
}

#[diagnostic::do_not_recommend]
impl<S: SessionSignal<Timing: Done>> AllowsDurable for S {
    type Itself = S;
}

/// The connection of a signal's session, by which those who deliver on it are found.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn connection_of<S: SessionSignal>() -> TypeId {
    TypeId::of::<S::Connection>()
}

/// What a closure over arguments says of these.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn answer<S: Signal>(
    args: &mut S::Args<'_>,
    question: impl for<'x, 'a> FnOnce(&'x mut S::Args<'a>) -> String,
) -> String {
    question(args)
}

/// The session that delivers to a receiver of `S`.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn delivering<S: SessionSignal>(
    session: &mut dyn Any,
) -> std::result::Result<&mut Session<S::Connection>, BoxError> {
    let session = session.downcast_mut();
    session.ok_or_else(|| "the session is of another database".into())
}

/// A signal whose receivers may have the phase `after_rollback`: every one with a session.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AllowsAfterRollback: SessionSignal {
    type Itself;
}

impl<S: SessionSignal> AllowsAfterRollback for S {
    type Itself = S;
}

/// A signal whose effects may be `async`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an `async` receiver of `{Self}` has nobody who runs it",
    label = "needs the feature `tokio` of lback",
    note = "name it in Cargo.toml among the `features` of `lback`"
)]
pub trait AllowsAsyncEffect: SessionSignal {
    type Itself;
}

#[cfg(feature = "tokio")]
#[diagnostic::do_not_recommend]
impl<S: SessionSignal> AllowsAsyncEffect for S {
    type Itself = S;
}

/// A signal whose receivers in the transaction may be `async`, because its connection can wait for them.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a receiver of `{Self}` in the transaction is a plain function",
    label = "nobody awaits it: the connection of its transaction blocks",
    note = "once its data is stored, a receiver may be `async`: `#[receiver(.., after_commit)]`",
    note = "in the transaction it may be `async` on connections of diesel-async: `lback::diesel_async`, by the feature `diesel-async` of lback"
)]
pub trait AllowsAsyncInTransaction: SessionSignal {
    type Itself;
}

#[diagnostic::do_not_recommend]
impl<S: SessionSignal<Connection: Waits>> AllowsAsyncInTransaction for S {
    type Itself = S;
}

/// A signal whose receivers may be isolated.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a receiver of `{Self}` cannot be isolated",
    label = "this signal has no `on_error = \"isolate\"`",
    note = "a failing pre receiver always stops the operation: use the post signal, or return `Ok(())`"
)]
pub trait AllowsIsolate: SessionSignal {
    type Itself;
}

#[diagnostic::do_not_recommend]
impl<S: SessionSignal<Timing: Done>> AllowsIsolate for S {
    type Itself = S;
}

/// An argument that receivers may change.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "receivers cannot change this argument",
    label = "the signal gives it as `{Self}`",
    note = "take it as `&`, or by value to get a copy; only `#[signal(pre)]` may give `&'a mut`"
)]
pub trait Changeable {
    type Target: ?Sized;
    fn change(&mut self) -> &mut Self::Target;
}

impl<T: ?Sized> Changeable for &mut T {
    type Target = T;

    #[inline]
    fn change(&mut self) -> &mut T {
        self
    }
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub fn receivers_of<S: Declared>(visit: &mut dyn FnMut(&'static dyn Listed)) {
    S::each(&mut |receiver| visit(receiver));
}
