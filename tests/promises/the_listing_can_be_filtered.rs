//! By signal; an empty one says so; and as JSON.

use crate::database::*;
use lback::testing::{assert_not_registered, assert_registered};

own_users!();

#[receiver(user_post_create, after_commit, id = "listing.last")]
fn last(_user: &User) {}

#[receiver(
    user_post_create,
    user_post_delete,
    order = 2,
    id = "listing.second",
    on_error = "isolate"
)]
fn second(_user: &User) {}

#[receiver(user_post_create, order = -7, id = "listing.first")]
fn first(_user: &User) {}

const MODULE: &str = module_path!();

#[test]
fn by_signal() -> lback::Result<()> {
    let all = lback::receivers()?;
    let of_create = all.of(&format!("{MODULE}::user_post_create"));
    let ids: Vec<_> = of_create.iter().map(|listener| listener.id).collect();

    assert_eq!(ids, ["listing.first", "listing.second", "listing.last"]);
    assert_eq!(all.of(&format!("{MODULE}::user_post_delete")).len(), 1);
    assert!(
        all.of("user_post_create").len() > of_create.len(),
        "other modules have this name too"
    );
    assert!(all.len() > all.of("user_post_create").len());
    Ok(())
}

#[test]
fn as_a_table() -> lback::Result<()> {
    let table = lback::receivers()?
        .of(&format!("{MODULE}::user_post_create"))
        .to_string();

    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    for (line, parts) in lines.iter().zip([
        ["signal", "phase", "order", "place"],
        [
            "::user_post_create ",
            "in transaction",
            " -7 ",
            "the_listing_can_be_filtered.rs:",
        ],
        [
            "::user_post_create ",
            "in transaction",
            " 2 ",
            "listing.second",
        ],
        ["::user_post_create ", "after commit", " 0 ", "listing.last"],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    Ok(())
}

#[test]
fn an_empty_one() -> lback::Result<()> {
    let nobody = lback::receivers()?.of("user_post_imagined");

    assert!(nobody.is_empty());
    assert_eq!(nobody.to_string(), "no receivers\n");
    assert_eq!(nobody.to_json(), "[]");
    Ok(())
}

#[test]
fn as_json() -> lback::Result<()> {
    let json = lback::receivers()?
        .of(&format!("{MODULE}::user_post_delete"))
        .to_json();
    let read: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");

    let listener = &read[0];
    assert_eq!(listener["signal"], format!("{MODULE}::user_post_delete"));
    assert_eq!(listener["phase"], "in_transaction");
    assert_eq!(listener["order"], 2);
    assert_eq!(listener["id"], "listing.second");
    assert_eq!(listener["receiver"], format!("{MODULE}::second"));
    assert_eq!(listener["on_error"], "isolate");
    let place = listener["place"].as_str().expect("a text");
    assert!(place.contains("the_listing_can_be_filtered.rs:"), "{place}");
    Ok(())
}

#[test]
fn a_test_can_ask_who_is_registered() {
    assert_registered(first, user_post_create);
    assert_registered(second, user_post_delete);
    assert_not_registered(first, user_post_delete);

    let message = super::panic_of(|| assert_registered(first, user_post_delete));
    assert!(
        message.contains("::first` is no receiver of `user_post_delete`. Its receivers:"),
        "{message}"
    );
    assert!(message.contains("\n  `listing.second` ("), "{message}");
    let message = super::panic_of(|| assert_registered(first, user_pre_delete));
    assert!(message.ends_with("Nobody listens to it."), "{message}");
    let message = super::panic_of(|| assert_not_registered(first, user_post_create));
    assert!(
        message.contains("receiver `listing.first` of `user_post_create`"),
        "{message}"
    );
}
