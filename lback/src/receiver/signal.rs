use std::any::TypeId;
use std::fmt;

/// A signal: a point in the life of a row, or in that of an application.
///
/// Implemented by [`#[signal]`](macro@crate::signal) for a struct that bears the signal's name
/// (`user_post_create`); nothing else implements it. A function of the same name stands beside the
/// struct, so that `session.mute(user_post_create, ..)` can be said. Variables, parameters and patterns
/// may have the name all the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    label = "not a signal",
    note = "a signal is named like `user_post_create`: `noun_pre_verb` or `noun_post_verb`; `#[signal]` and `#[repository]` declare them"
)]
pub trait Signal: Sized + 'static {
    /// The arguments that receivers are given, by name.
    type Args<'a>;

    /// Name, place and timing.
    const INFO: &'static SignalInfo;
}

/// Whether a signal is sent before or after what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timing {
    /// Before: receivers may change the data, or veto.
    Pre,
    /// After, and before the commit.
    Post,
}

/// Which signal fired: the `signal` argument of every receiver.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_post_create, user_post_update)]
/// fn trace(signal: &SignalInfo, user: &User) {
///     println!("{}: {}", signal.name(), user.username);
/// }
/// ```
pub struct SignalInfo {
    key: fn() -> TypeId,
    name: &'static str,
    module: &'static str,
    timing: Timing,
}

impl SignalInfo {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(
        key: fn() -> TypeId,
        name: &'static str,
        module: &'static str,
        timing: Timing,
    ) -> Self {
        Self {
            key,
            name,
            module,
            timing,
        }
    }

    /// The signal's name, such as `user_post_create`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The module that declares it.
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// Whether it is sent before or after what it is about.
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    pub(crate) fn key(&self) -> TypeId {
        (self.key)()
    }
}

impl PartialEq for SignalInfo {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for SignalInfo {}

impl fmt::Debug for SignalInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalInfo")
            .field("name", &self.name)
            .field("module", &self.module)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SignalInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
