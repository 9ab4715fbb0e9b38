//! Signals of every entity on MySQL and MariaDB: a receiver of `any_post_create` hears each repository's
//! `.._post_create`, behind the receivers of that signal itself. It sees the row as an
//! [`AnyRow`](crate::AnyRow), whose [`signal`](crate::AnyRow::signal) is the repository's own.
//!
//! They are in the prelude.

use diesel::MysqlConnection;

use crate::signal::any_signals;

any_signals! { MysqlConnection }
