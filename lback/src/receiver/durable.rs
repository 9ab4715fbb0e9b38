//! What a durable receiver is beside its registration: how its rows are delivered.

use std::any::{Any, TypeId};
use std::time::SystemTime;

#[cfg(feature = "tokio")]
use super::Task;
use super::{BoxError, Incoming, Outcome};

/// One delivery of a row of the outbox to a durable receiver: a state that is in force while the receiver
/// runs, so it is asked for with `#[state]`.
///
/// ```standalone_crate
/// use lback::outbox::Delivery;
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_post_create, durable, id = "mail.welcome")]
/// fn welcome(user: &User, #[state] delivery: &Delivery) {
///     println!("{} for {}, attempt {}", delivery.id, user.email, delivery.attempt);
/// }
///
/// let mut session = lback::sqlite::connect(":memory:")?;
/// lback::sqlite::migrate(&mut session)?;
/// lback::sqlite::migrate_outbox(&mut session)?;
/// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
/// UserRepository::new().create(&mut session, new)?;
/// assert_eq!(session.deliver_all()?.done, 1);
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The same at every attempt, and that of no other row anywhere: the idempotency key to give to others.
    pub id: String,
    /// The id of the receiver, as it stands in the row: with an `alias`, that may be an earlier one.
    pub receiver: &'static str,
    /// The name of the signal, such as `user_post_create`: what happened, for a receiver of several.
    pub signal: &'static str,
    /// Which attempt this is, from 1 on.
    pub attempt: u32,
    /// When the row was written, by the clock of the database.
    pub queued_at: SystemTime,
    /// Grows with each row of the table. Of an ordered receiver's rows of one key, the later one has the
    /// greater number, so whoever is told by two can refuse the older: a fencing token.
    pub seq: i64,
}

/// Reads the arguments again, and calls the receiver. The session is one of the receiver's connection.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Deliver {
    /// At once.
    Sync(fn(&mut dyn Any, &mut Incoming) -> Outcome),
    /// On a runtime.
    #[cfg(feature = "tokio")]
    Async(fn(&mut dyn Any, &mut Incoming) -> Result<Task, BoxError>),
}

/// Turns what an earlier version has stored into what this one reads. It is told which version that was.
pub type Upcast = fn(u32, serde_json::Value) -> Result<serde_json::Value, BoxError>;

/// How a durable receiver's rows are delivered.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Durable {
    pub(crate) connection: fn() -> TypeId,
    pub(crate) deliver: Deliver,
    /// Earlier ids, whose rows are delivered here too.
    pub(crate) aliases: &'static [&'static str],
    /// Of what is stored.
    pub(crate) version: u32,
    pub(crate) upcast: Option<Upcast>,
    /// How many there are before a row is a dead letter.
    pub(crate) max_attempts: u32,
    /// For how many seconds nobody else takes a row that was claimed.
    pub(crate) lease: u32,
    /// How many deliveries may share a transaction.
    pub(crate) batch: u32,
    /// Whether rows have a key, and those of one key are delivered one by one.
    pub(crate) is_ordered: bool,
}

impl Durable {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn new(connection: fn() -> TypeId, deliver: Deliver) -> Self {
        Self {
            connection,
            deliver,
            aliases: &[],
            version: 1,
            upcast: None,
            max_attempts: 20,
            lease: 60,
            batch: 1,
            is_ordered: false,
        }
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn upcast(mut self, upcast: Upcast) -> Self {
        self.upcast = Some(upcast);
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn lease(mut self, seconds: u32) -> Self {
        self.lease = seconds;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn batch(mut self, deliveries: u32) -> Self {
        self.batch = deliveries;
        self
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.is_ordered = true;
        self
    }
}
