//! Durable receivers: what a transaction has stored for them, and its delivery.
//!
//! A receiver with `durable` is not called when its signal is sent. A row with the arguments that it names
//! is stored by the same transaction, and delivered later, by this process or by another, until it is done.
//!
//! ```standalone_crate
//! use lback::outbox::{Delivery, Snooze, Undeliverable};
//! use lback::sqlite::{prelude::*, users::*};
//!
//! /// Names neither `conn` nor `session`: at least once, outside of any transaction.
//! #[receiver(user_post_create, durable, id = "mail.welcome")]
//! fn welcome(user: &User, #[state] delivery: &Delivery) -> Result<(), lback::BoxError> {
//!     match user.email.rsplit_once('@') {
//!         Some((_, "example.com")) => Ok(println!("Welcome! ({})", delivery.id)),
//!         Some(_) => Err(Snooze(std::time::Duration::from_secs(3600)).into()),
//!         None => Err(Undeliverable("there is no such address".into()).into()),
//!     }
//! }
//!
//! /// Names `conn` or `session`: what it writes is written exactly once.
//! #[receiver(user_post_create, durable, id = "users.verify")]
//! fn verify(user: &User, conn: &mut SqliteConnection) -> QueryResult<usize> {
//!     diesel::update(users::table.find(user.id))
//!         .set(users::is_email_verified.eq(true))
//!         .execute(conn)
//! }
//!
//! let mut session = lback::sqlite::connect(":memory:")?;
//! lback::sqlite::migrate(&mut session)?;
//! lback::sqlite::migrate_outbox(&mut session)?;
//! let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
//! let ada = UserRepository::new().create(&mut session, new)?;
//! assert!(!ada.is_email_verified);
//!
//! assert_eq!(session.deliver_all()?.done, 2);
//! assert!(UserRepository::new().get(&mut session, ada.id)?.is_email_verified);
//! # lback::Result::Ok(())
//! ```
//!
//! `docs/durable.md` of the repository is the guide.

mod deliver;
mod delivered;
mod errand;
mod route;
mod view;
#[cfg(feature = "r2d2")]
mod worker;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub use self::delivered::Delivered;
pub use self::view::{DeadLetter, Depth, Outbox};
#[cfg(feature = "r2d2")]
pub use self::worker::{Worker, WorkerBuilder};
pub use crate::receiver::{Delivery, Payload};

/// Returned by a durable receiver: not now. The row is due again after this time, a century at most, and the
/// attempt does not count.
///
/// ```
/// use std::time::Duration;
///
/// use lback::outbox::Snooze;
///
/// fn ask_a_server_that_is_closed() -> Result<(), lback::BoxError> {
///     Err(Snooze(Duration::from_secs(600)).into())
/// }
/// # assert!(ask_a_server_that_is_closed().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snooze(pub Duration);

impl fmt::Display for Snooze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not now, but in {:?}", self.0)
    }
}

impl StdError for Snooze {}

/// Returned by a durable receiver: no other attempt can succeed. The row is a dead letter at once, with this
/// text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeliverable(pub String);

impl fmt::Display for Undeliverable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Undeliverable {}
