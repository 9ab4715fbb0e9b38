//! A registry with every mistake that there is: all are reported at once, with their places, as
//! soon as a session is made, and nothing is sent in some order.

use std::sync::atomic::{AtomicUsize, Ordering};

use lback::Error;
use lback::listing::Problem;
use lback::sqlite::{prelude::*, users::*};

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// A signal without a session.
#[signal]
pub struct Ping<'a> {
    /// Its only argument.
    pub who: &'a str,
}

#[receiver(ping)]
fn answer(who: &str) {
    CALLS.fetch_add(who.len(), Ordering::Relaxed);
}

mod equal {
    use super::*;

    #[receiver(user_pre_create, id = "audit")]
    pub(super) fn one() {}

    #[receiver(user_pre_create, id = "audit")]
    pub(super) fn other() {}

    // Of another signal: that is no mistake.
    #[receiver(user_pre_update, id = "audit")]
    pub(super) fn elsewhere() {}
}

mod shared {
    use super::*;

    #[receiver(user_post_update, durable, id = "mail.old")]
    pub(super) fn first(_user: &User) {}

    #[receiver(user_post_update, durable, id = "mail.new", alias = "mail.old")]
    pub(super) fn second(_user: &User) {}
}

mod circle {
    use super::*;

    #[receiver(user_post_create, before = b)]
    pub(super) fn a() {}

    #[receiver(user_post_create, before = c)]
    pub(super) fn b() {}

    #[receiver(user_post_create, before = a)]
    pub(super) fn c() {}

    // Only stands behind the circle, and is not to blame.
    #[receiver(user_post_create, after = a)]
    pub(super) fn behind() {}
}

mod itself {
    use super::*;

    #[receiver(user_pre_delete, after = narcissus)]
    pub(super) fn narcissus() {}
}

mod unknown {
    use super::*;

    pub(super) fn no_receiver() {}

    #[receiver(user_post_delete, after = no_receiver)]
    pub(super) fn lost() {}
}

lback::expect_receivers!["mail.welcome", unknown::no_receiver, "audit", circle::a];

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let error = lback::verify().expect_err("the registry is broken");
    let mut found = Vec::new();
    for problem in error.problems() {
        let (what, receivers) = match problem {
            Problem::EqualIds { receivers, .. } => ("equal ids", receivers.clone()),
            Problem::Cycle { receivers, .. } => ("circle", receivers.clone()),
            Problem::SharedId { id, receivers, .. } => {
                assert_eq!(*id, "mail.old");
                ("shared id", receivers.clone())
            }
            Problem::UnknownNeighbour { receiver, path, .. } => {
                assert_eq!(*path, "no_receiver");
                ("unknown", vec![*receiver])
            }
            Problem::Expected {
                receiver,
                is_linked,
                place,
                ..
            } => {
                let text = problem.to_string();
                assert!(text.contains(&place.to_string()), "{text}");
                assert_eq!(text.contains("Cargo.toml"), !is_linked, "{text}");
                found.push(format!("expected: {receiver}"));
                continue;
            }
            other => panic!("{other:?}"),
        };
        let names = receivers
            .iter()
            .map(|receiver| receiver.path.rsplit("::").next().unwrap_or_default());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        found.push(format!("{what}: {}", names.join(" ")));
        for receiver in receivers {
            let text = problem.to_string();
            assert!(text.contains(&receiver.place.to_string()), "{text}");
            assert!(receiver.place.file.ends_with("broken.rs"), "{text}");
            assert!(receiver.place.line > 1, "{text}");
            // Every problem stands in the error as a whole.
            assert!(error.to_string().contains(&text), "{error}");
        }
    }
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "circle: a b c",
            "circle: narcissus",
            "equal ids: one other",
            "expected: mail.welcome",
            "expected: unknown::no_receiver",
            "shared id: first second",
            "unknown: lost",
        ]
    );
}

#[test]
fn no_session_is_made() {
    let refused = lback::sqlite::connect(":memory:");
    assert!(matches!(refused, Err(Error::Registry(_))));
    let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
    assert!(matches!(Session::new(connection), Err(Error::Registry(_))));
    let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
    let for_test = Session::for_test(connection);
    let Err(Error::Registry(error)) = for_test else {
        panic!("a session was made");
    };
    assert_eq!(error.problems().len(), 7, "{error}");
}

#[test]
fn nothing_is_sent() {
    let sent = Ping { who: "ada" }.send();
    assert!(matches!(sent, Err(Error::Registry(_))), "{sent:?}");
    assert_eq!(CALLS.load(Ordering::Relaxed), 0);
}

#[test]
fn nothing_is_listed() {
    assert!(matches!(lback::receivers(), Err(Error::Registry(_))));
}
