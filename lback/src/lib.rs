#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What only some databases need has no user without them. Built with all features, the compiler still
// finds what nobody needs.
#![cfg_attr(
    not(all(
        feature = "sqlite",
        feature = "postgres",
        feature = "mysql",
        feature = "users",
        feature = "r2d2",
        feature = "tracing"
    )),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        unreachable_pub,
        clippy::unused_self
    )
)]

// Those that `inventory` knows; on any other its registries are empty, and it says nothing.
#[cfg(not(any(
    feature = "manual-registry",
    target_family = "wasm",
    windows,
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "haiku",
    target_os = "illumos",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "none",
    target_os = "nto",
    target_os = "openbsd",
    target_os = "redox",
    target_os = "vxworks",
)))]
compile_error!(
    "receivers cannot register themselves on this target, and would silently never run: turn on \
     the feature `manual-registry` of `lback`, and give sessions a `lback::manual_registry![..]`"
);

// So that expansions, which say `::lback`, also work inside.
extern crate self as lback;

// Their paths are what listings print, and so the paths under which they are known.
#[cfg(feature = "diesel-async")]
#[path = "backend/diesel_async/mod.rs"]
pub mod diesel_async;
#[cfg(feature = "mysql")]
#[path = "backend/mysql/mod.rs"]
pub mod mysql;
#[cfg(feature = "postgres")]
#[path = "backend/postgres/mod.rs"]
pub mod postgres;
// Of it, what needs no libpq.
#[cfg(all(feature = "diesel-async", not(feature = "postgres")))]
#[path = "backend/postgres/mod.rs"]
mod postgres;
#[cfg(feature = "sqlite")]
#[path = "backend/sqlite/mod.rs"]
pub mod sqlite;

mod care;
mod error;
mod inspect;
pub mod outbox;
#[cfg(feature = "r2d2")]
mod pool;
mod receiver;
mod registry;
mod repository;
mod session;
mod signal;
pub mod testing;
mod trace;
#[cfg(feature = "users")]
mod user;
mod value;

pub use error::{Error, Invalid, Result, Retryable, Veto};
pub use inspect::{receivers, verify};
#[doc = include_str!("../docs/receiver.md")]
#[doc = include_str!("../docs/expansion/receiver.md")]
#[doc = include_str!("../docs/expansion/effect.md")]
pub use lback_macros::receiver;
#[doc = include_str!("../docs/repository.md")]
#[doc = include_str!("../docs/expansion/repository.md")]
pub use lback_macros::repository;
#[doc = include_str!("../docs/signal.md")]
#[doc = include_str!("../docs/expansion/signal.md")]
pub use lback_macros::signal;
#[cfg(feature = "r2d2")]
pub use pool::{Database, DatabaseBuilder};
pub use receiver::{BoxError, IntoOutcome, Signal, SignalInfo};
pub use repository::{
    AsKey, Cascade, CascadeAction, Entity, Filter, Names, Page, Repository, Set, Updates, Upserted,
    Validate,
};
pub use session::{Session, SessionConnection, TransactionOptions};
pub use signal::{AnyRow, Change, ManualRegistry};
#[cfg(feature = "users")]
pub use user::{NewUser, Password, User, UserChanges, UserId, schema};
pub use value::{Secret, Timestamp};

/// What no caller sees: failures of effects and of isolated receivers.
pub mod failure {
    pub use crate::session::{Failure, FailureCause, Failures};
}

/// Who listens to what, as [`receivers`] lists it, and what can be wrong with it.
pub mod listing {
    pub use crate::error::{Problem, RegistryError, Warning};
    pub use crate::inspect::{Listener, Listeners};
    pub use crate::receiver::{OnError, Phase, Place, Registration, Timing};
}

/// How passwords are hashed, and what comparing one tells. The type itself is
/// [`Password`].
#[cfg(feature = "users")]
pub mod password {
    pub use crate::user::{
        CostLimit, HashedPassword, Hasher, PasswordError, PlainPassword, Verification,
    };
}

/// The choices of [`TransactionOptions`].
pub mod transaction {
    pub use crate::session::{Isolation, Lock};
}

/// The SQL types of the columns that Diesel has no type for.
pub mod sql_types {
    #[cfg(feature = "users")]
    pub use crate::user::PasswordHash;
    pub use crate::value::Instant;
}

/// What every backend's prelude shares, for code that knows no database. It has no `Session`: programs
/// take the prelude of theirs, such as [`lback::sqlite::prelude`](crate::sqlite::prelude).
pub mod prelude {
    pub use crate::{
        AnyRow, Change, Repository, Secret, SignalInfo, Validate, Veto, receiver, repository,
        signal,
    };
}

/// Lets tables of yours stand in one query with [`schema::users`].
///
/// Diesel's own `allow_tables_to_appear_in_same_query!` cannot do it for a table of another crate:
/// for PostgreSQL it also writes implementations that only the table's own crate may write. Tables
/// of yours among each other still need Diesel's.
///
/// ```
/// use lback::sqlite::{prelude::*, users::*};
///
/// diesel::table! {
///     posts (id) {
///         id -> Integer,
///         author -> BigInt,
///         title -> Text,
///     }
/// }
/// diesel::joinable!(posts -> users (author));
/// lback::allow_users_to_appear_in_same_query!(posts);
///
/// let titles = users::table.inner_join(posts::table).select((users::username, posts::title));
/// # let _ = titles;
/// ```
#[cfg(feature = "users")]
#[macro_export]
macro_rules! allow_users_to_appear_in_same_query {
    ($($table:ident),+ $(,)?) => {
        $(
            impl $crate::__private::diesel::query_source::TableNotEqual<$crate::schema::users::table>
                for $table::table
            {
            }
            impl $crate::__private::diesel::query_source::TableNotEqual<$table::table>
                for $crate::schema::users::table
            {
            }
        )+
    };
}

// Not public API. Used by generated code.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        __a_receiver_stands_outside_of_impl_and_trait as a_receiver_stands_outside_of_impl_and_trait,
        __by_hand as by_hand, __declare as declare,
    };
    pub use ::{diesel, inventory};
    pub use diesel::query_builder::QueryFragment;
    pub use lback_macros::signal;

    pub use crate::error::text_of_key;
    pub use crate::receiver::*;
    pub use crate::registry::{Declaration, Expectation, Expected};
    pub use crate::repository::{
        AsKey, BackendOf, ByKey, Changes, ChangesOf, Entity, Identified, InsertedInto, Inserts,
        KeyFor, KeyRef, KeyType, Keyed, KnowsDefault, Makes, Model, One, Selects, Texts, Through,
        Updates, add_shared_entity_to_the_second_repository,
    };
    pub use crate::session::{Session, SessionType, Waiter, Waits};
    pub use crate::signal::*;

    use std::any::TypeId;

    pub fn speaks<C: diesel::Connection<Backend = DB>, DB>() {}

    pub fn type_id_of_val<F: 'static>(_: &F) -> TypeId {
        TypeId::of::<F>()
    }
}
