//! A small shop on all three databases, one set of sources for them: what an application would
//! write that knows nothing of lback but its documentation.
//!
//! Its keys are generated integers, newtypes of big integers, UUIDs and texts given by the caller,
//! and texts made by the database; its columns nullable, defaulted, secret, an enum, and JSON.

// Each database compiles `model` for itself.
#![allow(clippy::duplicate_mod)]

#[macro_use]
mod table;

#[cfg(feature = "diesel-async")]
pub mod diesel_async;
mod key;
mod kind;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
mod signal;
pub mod sqlite;

pub use key::{MoveId, OrderId, TextUuid};
pub use kind::{Kind, Status};
pub use signal::{PriceAsked, ShelfEmptied, WeightAsked, price_asked, shelf_emptied, weight_asked};
