//! Signals of every entity over diesel-async: a receiver of `any_post_create` hears each repository's
//! `.._post_create`, behind the receivers of that signal itself. It sees the row as an
//! [`AnyRow`](crate::AnyRow).
//!
//! They are in the prelude.

use super::BlockingPgConnection;
use crate::signal::any_signals;

any_signals! { BlockingPgConnection }
