//! To test receivers, and code that sends signals.
//!
//! The scopes belong to a session, by closure: [`record`](Session::record) notes what was sent and
//! what ran, [`capture`](Session::capture) holds effects back, [`mute`](Session::mute) and
//! [`mute_all`](Session::mute_all) silence. So tests run in parallel, and none sees another's.
//! Here are the assertions; signals and receivers are named by their paths, as everywhere.
//!
//! ```standalone_crate
//! use lback::sqlite::{prelude::*, users::*};
//! use lback::testing::assert_registered;
//!
//! #[receiver(user_pre_create)]
//! fn lower_case(data: &mut NewUser) {
//!     data.email = data.email.to_lowercase();
//! }
//!
//! #[receiver(user_post_create, after_commit)]
//! fn welcome(user: &User) {}
//!
//! let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
//! let mut session = Session::for_test(connection)?;
//! lback::sqlite::migrate(&mut session)?;
//!
//! let new = NewUser::new("ada", "Ada@Example.com", "correct horse battery")?;
//! let (ada, recording) = session.record(|session| UserRepository::new().create(session, new));
//!
//! assert_eq!(ada?.email, "ada@example.com");
//! recording.assert_sent(user_post_create);
//! recording.assert_not_sent(user_post_delete);
//! recording.in_order().ran(lower_case).sent(user_post_create).queued(welcome).ran(welcome);
//! assert_registered(welcome, user_post_create);
//! # lback::Result::Ok(())
//! ```
//!
//! A failed assertion prints what happened instead:
//!
//! ```text
//! `user_post_delete` was not sent. What happened:
//!   user_pre_create sent
//!   shop::lower_case ran
//!   user_post_create sent
//!   shop::welcome queued, after commit
//!   shop::welcome ran, after commit
//! ```

mod pending;
mod print;
mod recording;
mod step;
mod walk;

pub use self::walk::InOrder;
pub use crate::session::{Captured, Event, PendingEffect, Recording, SkipReason, Target};

use std::any::{TypeId, type_name, type_name_of_val};

#[cfg(doc)]
use crate::Session;
use crate::receiver::{Registration, Signal};
use crate::registry::Registry;

use self::print::Who;

/// Asserts that a function listens to a signal.
///
/// # Panics
///
/// If it does not; the message says who does.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_post_create)]
/// fn audit(user: &User) {}
///
/// lback::testing::assert_registered(audit, user_post_create);
/// ```
#[track_caller]
pub fn assert_registered<R: 'static, S: Signal>(receiver: R, signal: fn() -> S) {
    let _ = signal;
    let name = name_of(&receiver);
    let listeners = listeners(S::INFO.key());
    assert!(
        listeners.iter().any(|it| is(it, &receiver)),
        "`{name}` is no receiver of `{}`. {}",
        S::INFO,
        Who(&listeners)
    );
}

/// Asserts that a function does not listen to a signal.
///
/// # Panics
///
/// If it does.
#[track_caller]
pub fn assert_not_registered<R: 'static, S: Signal>(receiver: R, signal: fn() -> S) {
    let _ = signal;
    let listeners = listeners(S::INFO.key());
    if let Some(found) = listeners.iter().find(|it| is(it, &receiver)) {
        panic!("{found} is registered");
    }
}

fn name_of<R>(receiver: &R) -> &'static str {
    type_name_of_val(receiver)
}

fn is<R: 'static>(registration: &Registration, _: &R) -> bool {
    registration.function() == TypeId::of::<R>()
}

fn is_sent<S: Signal>(event: &Event) -> bool {
    matches!(event, Event::Sent(signal) if *signal == S::INFO)
}

fn listeners(signal: TypeId) -> Vec<&'static Registration> {
    let listings = registry().listings();
    let listing = listings.iter().find(|it| it.signal.key() == signal);
    listing.map_or_else(Vec::new, |listing| listing.receivers.clone())
}

fn registry() -> &'static Registry {
    Registry::global().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn must_be_receiver<R: 'static>(receiver: &R) {
    let known = Registry::known().unwrap_or_else(|error| panic!("{error}"));
    let Some(registry) = known else {
        return;
    };
    let mut all = registry.listings().iter().flat_map(|it| &it.receivers);
    assert!(
        all.any(|it| is(it, receiver)),
        "`{}` is no receiver: nothing can be said of it",
        type_name::<R>()
    );
}
