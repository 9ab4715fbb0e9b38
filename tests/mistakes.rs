//! Each file in `mistakes/` is a mistake, named after it, with what the compiler says of it; those in
//! `mistakes_by_hand/` are mistakes with the feature `manual-registry` only, and those in
//! `mistakes_of_two_databases/` need PostgreSQL beside SQLite.
//!
//! A message is the mistake, at the user's own token, with the remedy, and nothing else. After a
//! change, `TRYBUILD=overwrite cargo test -p lback-tests --test mistakes` writes them anew: read
//! them as somebody would who sees the crate for the first time.

/// The compiler's own part of the messages changes from version to version.
const PINNED: &str = "rustc 1.95.";

#[test]
fn every_mistake_has_a_message_that_names_the_remedy() {
    let version = rustc_version();
    if !version.starts_with(PINNED) {
        println!("left out: the messages are those of {PINNED}x, and this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    if cfg!(feature = "manual-registry") {
        cases.compile_fail("mistakes_by_hand/*.rs");
    }
    if cfg!(feature = "postgres") {
        cases.compile_fail("mistakes_of_two_databases/*.rs");
    }
    if cfg!(any(feature = "postgres", feature = "mysql")) {
        println!("left out: some messages list what further features add");
        return;
    }
    cases.compile_fail("mistakes/*.rs");
}

fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .expect("cargo has just used it");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
