//! What PostgreSQL and MySQL share: a server from the environment, names for fresh databases, and
//! ways to disturb a connection.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

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

/// Where a URL leads: what stands before the host, `host:port`, and what stands behind.
pub fn parts(url: &str, default_port: u16) -> (&str, String, &str) {
    let start = url
        .rfind('@')
        .map(|at| at + 1)
        .or_else(|| url.find("://").map(|at| at + 3))
        .expect("a URL");
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    let host = &url[start..end];
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{default_port}")
    };
    (&url[..start], host, &url[end..])
}

/// Waits until `condition` holds; fails after ten seconds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
