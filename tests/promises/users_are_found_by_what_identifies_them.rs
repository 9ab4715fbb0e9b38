//! By key, name, address, tokens that have not expired, and a part of name or address, in pages.

use chrono::TimeDelta;

use crate::database::*;
use lback::{Page, Timestamp};
use lback_tests::{cheap_password, new_user};

const USERS: UserRepository = UserRepository::new();

fn create(session: &mut Session, new: NewUser) -> User {
    USERS.create(session, new).expect("it is valid")
}

fn in_seconds(seconds: i64) -> Timestamp {
    (*Timestamp::now() + TimeDelta::seconds(seconds)).into()
}

#[test]
fn by_key_name_and_address() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = create(&mut session, new_user("ada"));
    let grace = create(&mut session, new_user("grace"));

    assert_eq!(
        USERS.find(&mut session, ada.id).expect("readable").as_ref(),
        Some(&ada)
    );
    assert_eq!(
        USERS.find(&mut session, &grace).expect("readable").as_ref(),
        Some(&grace)
    );
    for (name, found) in [
        ("ada", Some(&ada)),
        ("ADA", None),
        ("ad", None),
        (" ada", None),
        ("", None),
    ] {
        let by_name = USERS.find_by_username(&mut session, name);
        assert_eq!(by_name.expect("readable").as_ref(), found, "{name:?}");
    }
    for (address, found) in [
        ("grace@example.com", Some(&grace)),
        ("Grace@example.com", None),
        ("grace", None),
        ("%", None),
    ] {
        let by_email = USERS.find_by_email(&mut session, address);
        assert_eq!(by_email.expect("readable").as_ref(), found, "{address:?}");
    }
}

#[test]
fn by_a_part_of_name_or_address_in_pages() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, address) in [
        ("100% sure", "one@example.com"),
        ("100 sure", "two@example.com"),
        ("under_score", "three@example.com"),
        ("underXscore", "four@example.com"),
        ("wow!", "five@example.com"),
        ("back\\slash", "six@example.com"),
        ("plain", "per_cent%@example.org"),
        ("ünïcode", "eight@example.com"),
    ] {
        create(
            &mut session,
            NewUser::with_password(name, address, cheap_password()),
        );
    }
    let mut search = |term: &str| -> Vec<String> {
        let found = USERS.search(&mut session, term, Page::new(0, 100));
        let found = found.expect("it can be searched");
        found.into_iter().map(|user| user.username).collect()
    };
    for (term, expected) in [
        ("100%", &["100% sure"] as &[&str]),
        ("100", &["100% sure", "100 sure"]),
        ("%", &["100% sure", "plain"]),
        ("_", &["under_score", "plain"]),
        ("er_s", &["under_score"]),
        ("!", &["wow!"]),
        ("!%", &[]),
        ("\\", &["back\\slash"]),
        ("nïc", &["ünïcode"]),
        ("example.org", &["plain"]),
        ("three@", &["under_score"]),
        ("nowhere", &[]),
        ("'", &[]),
    ] {
        assert_eq!(search(term), expected, "{term:?}");
    }
    assert_eq!(search("").len(), 8, "everything contains nothing");

    let mut page = |number, size| -> Vec<String> {
        let found = USERS.search(&mut session, "example.com", Page::new(number, size));
        let found = found.expect("it can be searched");
        found.into_iter().map(|user| user.username).collect()
    };
    assert_eq!(page(0, 3), ["100% sure", "100 sure", "under_score"]);
    assert_eq!(page(1, 3), ["underXscore", "wow!", "back\\slash"]);
    assert_eq!(page(2, 3), ["ünïcode"]);
    assert_eq!(page(3, 3), [""; 0]);
    assert_eq!(page(0, 0), [""; 0]);
    assert_eq!(page(u32::MAX, u32::MAX), [""; 0]);
}

#[test]
fn by_an_auth_token_for_ever_or_until_it_expires() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, expiry, is_found) in [
        ("for ever", None, true),
        ("in an hour", Some(in_seconds(3_600)), true),
        ("an hour ago", Some(in_seconds(-3_600)), false),
        ("just now", Some(in_seconds(-1)), false),
    ] {
        let token = Secret::generate_token();
        let mut new = new_user(name);
        new.auth_token = Some(token.clone());
        new.token_expiry = expiry;
        let user = create(&mut session, new);
        let found = USERS.find_by_auth_token(&mut session, token.expose_secret());
        let expected = is_found.then_some(user);
        assert_eq!(found.expect("readable"), expected, "{name}");
        let other = USERS.find_by_verification_token(&mut session, token.expose_secret());
        assert_eq!(other.expect("readable"), None, "it is of the other kind");
    }
    let none = USERS.find_by_auth_token(&mut session, "");
    assert_eq!(none.expect("readable"), None);
}

#[test]
fn by_a_verification_token_only_until_it_expires() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, expiry, is_found) in [
        ("without an expiry", None, false),
        ("in an hour", Some(in_seconds(3_600)), true),
        ("an hour ago", Some(in_seconds(-3_600)), false),
    ] {
        let token = Secret::generate_token();
        let mut new = new_user(name);
        new.email_verification_token = Some(token.clone());
        new.email_verification_token_expiry = expiry;
        let user = create(&mut session, new);
        let found = USERS.find_by_verification_token(&mut session, token.expose_secret());
        let expected = is_found.then_some(user);
        assert_eq!(found.expect("readable"), expected, "{name}");
        let other = USERS.find_by_auth_token(&mut session, token.expose_secret());
        assert_eq!(other.expect("readable"), None, "it is of the other kind");
    }
}

#[test]
fn and_not_by_a_token_that_was_taken_away() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut new = new_user("ada");
    new.auth_token = Some(Secret::from("token"));
    let ada = create(&mut session, new);
    let changes = UserChanges {
        auth_token: Some(None),
        ..UserChanges::default()
    };
    let ada = USERS.update(&mut session, &ada, changes).expect("valid");
    assert_eq!(ada.auth_token, None);
    let found = USERS.find_by_auth_token(&mut session, "token");
    assert_eq!(found.expect("readable"), None);
}

/// A search box passes on what was pasted into it.
#[test]
fn and_not_by_words_longer_than_any_name() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    create(&mut session, new_user("ada"));
    for term in ["x", "%", "ß", "😀"] {
        for length in [
            10, 254, 12_500, 49_998, 49_999, 60_000, 1_000_000, 20_000_000,
        ] {
            let found = USERS.search(&mut session, &term.repeat(length), Page::new(0, 10));
            assert_eq!(found.expect("it can be looked for"), [], "{length} {term}");
        }
    }
    // The session goes on.
    let found = USERS.search(&mut session, "ad", Page::new(0, 10));
    assert_eq!(found.expect("readable").len(), 1);
}
