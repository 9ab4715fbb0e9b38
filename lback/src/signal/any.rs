//! Signals of every entity: what a receiver hears that is to hear all repositories.
//!
//! Such a receiver stands in the table of each repository's own signal, behind those that name the
//! signal itself. So it is known, ordered, muted, recorded and counted there as any other, and a signal
//! that no such receiver hears costs nothing more.

use serde::Serialize;
use serde_json::Value;

use super::SessionSignal;
use crate::receiver::{Listed, Outcome, Receiver, Signal, SignalInfo};
use crate::session::{Session, SessionConnection};

/// A row of whichever repository, as the receivers of `any_post_create` and its like see it.
///
/// It is a copy, made for each such receiver when the signal is sent, so an effect can keep it.
#[derive(Clone, Debug)]
pub struct AnyRow {
    signal: &'static SignalInfo,
    entity: &'static str,
    key: Option<String>,
    value: Option<Value>,
    previous: Option<Value>,
    changes: Option<Value>,
}

impl AnyRow {
    /// The repository's own signal, such as `user_post_create`.
    pub fn signal(&self) -> &'static SignalInfo {
        self.signal
    }

    /// The name of the entity, such as `user`.
    pub fn entity(&self) -> &'static str {
        self.entity
    }

    /// The key as text, such as `9`; none before the row is inserted.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The row, or before the insert the data, as serde prints it: a
    /// [`Secret`](crate::Secret) and a password are `***`. None, if the type is not `Serialize`.
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// After an update, the row as it was before.
    pub fn previous(&self) -> Option<&Value> {
        self.previous.as_ref()
    }

    /// Beside an update, what is changed, if its type is `Serialize`.
    pub fn changes(&self) -> Option<&Value> {
        self.changes.as_ref()
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __new(
        signal: &'static SignalInfo,
        entity: &'static str,
        key: Option<String>,
        [value, previous, changes]: [Option<Value>; 3],
    ) -> Self {
        Self {
            signal,
            entity,
            key,
            value,
            previous,
            changes,
        }
    }
}

/// Prints what is `Serialize`, and nothing of what is not.
///
/// Which it is, the expansion finds out, where the type is known: a method of the value itself is
/// found before one of a reference to it.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shown<'x, T>(pub &'x T);

// Not public API. Used by generated code.
#[doc(hidden)]
pub trait ShownBySerde {
    fn shown(&self) -> Option<Value>;
}

impl<T: Serialize> ShownBySerde for Shown<'_, T> {
    fn shown(&self) -> Option<Value> {
        serde_json::to_value(self.0).ok()
    }
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub trait ShownByNobody {
    fn shown(&self) -> Option<Value>;
}

impl<T> ShownByNobody for &Shown<'_, T> {
    fn shown(&self) -> Option<Value> {
        None
    }
}

/// The signals of every entity on one kind of connection.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AnySignals: SessionConnection {
    type PreCreate: AnySignal<Connection = Self>;
    type PostCreate: AnySignal<Connection = Self>;
    type PreUpdate: AnySignal<Connection = Self>;
    type PostUpdate: AnySignal<Connection = Self>;
    type PreDelete: AnySignal<Connection = Self>;
    type PostDelete: AnySignal<Connection = Self>;
}

/// One of them.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AnySignal: SessionSignal {
    fn args(row: AnyRow, session: &mut Session<Self::Connection>) -> Self::Args<'_>;
}

/// A repository's signal, which is heard by receivers of every entity too.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait OfAnyEntity: SessionSignal {
    type Any: AnySignal<Connection = Self::Connection>;
    fn row(args: &Self::Args<'_>) -> AnyRow;
}

/// Which receivers of every entity hear `S`, and how they are called.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AnySource<S: Signal>: Sync {
    fn signal(&self) -> &'static SignalInfo;
    fn caller(&self, listed: &'static dyn Listed) -> Option<&'static dyn AnyCall<S>>;
}

/// Calls a receiver of every entity with the arguments of `S`.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait AnyCall<S: Signal>: Send + Sync {
    fn call(&self, args: &mut S::Args<'_>) -> Outcome;
    fn is_wanted(&self, args: &mut S::Args<'_>) -> bool;
}

/// That of every signal of a repository.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct ByAny;

impl<S: OfAnyEntity> AnySource<S> for ByAny {
    fn signal(&self) -> &'static SignalInfo {
        <S::Any as Signal>::INFO
    }

    fn caller(&self, listed: &'static dyn Listed) -> Option<&'static dyn AnyCall<S>> {
        let listed: &'static dyn std::any::Any = listed;
        let receiver = listed.downcast_ref::<Receiver<S::Any>>()?;
        Some(receiver)
    }
}

impl<S: OfAnyEntity> AnyCall<S> for Receiver<S::Any> {
    fn call(&self, args: &mut S::Args<'_>) -> Outcome {
        let row = S::row(args);
        (self.handler)(&mut S::Any::args(row, S::session(args)))
    }

    fn is_wanted(&self, args: &mut S::Args<'_>) -> bool {
        let Some(condition) = self.condition else {
            return true;
        };
        let row = S::row(args);
        condition(&mut S::Any::args(row, S::session(args)))
    }
}

/// Declares the signals of every entity on one kind of connection.
macro_rules! any_signals {
    ($connection:ty) => {
        $crate::signal::any_signals! { $connection;
            "Before any row is inserted.", AnyPreCreate, any_pre_create, PreCreate, (pre);
            "After any row was inserted.", AnyPostCreate, any_post_create, PostCreate, ();
            "Before any row is changed.", AnyPreUpdate, any_pre_update, PreUpdate, (pre);
            "After any row was changed.", AnyPostUpdate, any_post_update, PostUpdate, ();
            "Before any row is deleted.", AnyPreDelete, any_pre_delete, PreDelete, (pre);
            "After any row was deleted.", AnyPostDelete, any_post_delete, PostDelete, ();
        }
    };
    ($connection:ty;
        $($doc:literal, $args:ident, $name:ident, $role:ident, ($($timing:ident)?);)*) => {
        $(
            #[doc = $doc]
            #[$crate::signal($($timing)?)]
            pub struct $args<'a> {
                /// The row.
                pub row: $crate::AnyRow,
                /// The session in use.
                pub session: &'a mut $crate::Session<$connection>,
            }

            impl $crate::signal::AnySignal for $name {
                fn args(
                    row: $crate::AnyRow,
                    session: &mut $crate::Session<$connection>,
                ) -> $args<'_> {
                    $args { row, session }
                }
            }
        )*

        impl $crate::signal::AnySignals for $connection {
            $(type $role = $name;)*
        }
    };
}

pub(crate) use any_signals;
