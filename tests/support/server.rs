//! What PostgreSQL and MySQL share: a server from the environment, and names for fresh databases.

use std::sync::atomic::{AtomicU32, Ordering};

/// The server's URL, if the environment names one.
pub fn url(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok()?;
    Some(url.trim_end_matches('/').to_owned())
}

/// A name that no other test uses.
pub fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("lback_test_{}_{number}", std::process::id())
}
