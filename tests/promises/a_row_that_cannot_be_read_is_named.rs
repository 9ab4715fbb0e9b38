//! A row with a time that is none here is named by its key, and the others can be had; a token whose
//! expiry cannot be read has expired.

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::{Error, Page};
use lback_tests::new_user;

const USERS: UserRepository = UserRepository::new();
const ALL: Page = Page::new(0, 10);

/// What other programs have stored, and no instant can hold.
fn odd_instants() -> &'static [&'static str] {
    match NAME {
        "SQLite" => &[
            "infinity",
            "0000-00-00 00:00:00",
            "2026-02-30 12:00:00",
            "",
            "tomorrow",
        ],
        "PostgreSQL" => &["infinity", "-infinity", "294276-12-31 23:59:59"],
        _ => &["0000-00-00 00:00:00"],
    }
}

/// Three users, of whom the second has a token with this expiry.
fn with_expiry(expiry: &str) -> Option<(Database, Session, User)> {
    let database = Database::fresh()?;
    let mut session = database.session();
    USERS.create(&mut session, new_user("ada")).expect("valid");
    let mut odd = new_user("odd");
    odd.auth_token = Some(Secret::from("token"));
    odd.email_verification_token = Some(Secret::from("token"));
    let odd = USERS.create(&mut session, odd).expect("valid");
    USERS
        .create(&mut session, new_user("grace"))
        .expect("valid");
    if NAME == "MySQL" {
        let careless = "SET sql_mode = ''";
        session.conn().batch_execute(careless).expect("a setting");
    }
    let update = format!(
        "UPDATE users SET token_expiry = '{expiry}', email_verification_token_expiry = '{expiry}' \
         WHERE username = 'odd'"
    );
    session.conn().batch_execute(&update).expect("it is stored");
    Some((database, session, odd))
}

fn is_named<T: std::fmt::Debug>(found: lback::Result<T>, odd: &User) {
    match found {
        Err(Error::Unreadable { entity, key, .. }) => {
            assert_eq!(entity, "user");
            assert!(key.contains(&odd.id.to_string()), "{key}");
        }
        found => panic!("{found:?}"),
    }
}

#[test]
fn and_the_others_come() -> lback::Result<()> {
    for expiry in odd_instants() {
        let Some((_database, mut session, odd)) = with_expiry(expiry) else {
            return Ok(());
        };
        let session = &mut session;
        is_named(USERS.find(session, odd.id), &odd);
        is_named(USERS.find_by_username(session, "odd"), &odd);
        is_named(USERS.find_by_email(session, &odd.email), &odd);
        is_named(USERS.list(session, ALL), &odd);
        is_named(USERS.search(session, "example", ALL), &odd);

        let each = USERS.list_each(session, ALL)?;
        let searched = USERS.search_each(session, "example", ALL)?;
        for mut each in [each, searched] {
            assert_eq!(each.len(), 3, "{expiry}");
            is_named(each.remove(1), &odd);
            let names: Vec<_> = each
                .into_iter()
                .map(|user| user.map(|user| user.username))
                .collect::<lback::Result<_>>()?;
            assert_eq!(names, ["ada", "grace"], "{expiry}");
        }
        // A page without it is no error.
        assert_eq!(USERS.list(session, Page::new(2, 1))?.len(), 1);
        assert_eq!(USERS.search(session, "grace", ALL)?.len(), 1);

        // It can be mended, and deleted.
        let mended = "UPDATE users SET token_expiry = NULL, email_verification_token_expiry = NULL";
        session.conn().batch_execute(mended)?;
        assert_eq!(USERS.list(session, ALL)?.len(), 3);
        assert!(USERS.find_by_auth_token(session, "token")?.is_some());
    }
    Ok(())
}

#[test]
fn and_its_tokens_have_expired() -> lback::Result<()> {
    for expiry in odd_instants() {
        let Some((_database, mut session, _)) = with_expiry(expiry) else {
            return Ok(());
        };
        let found = USERS.find_by_auth_token(&mut session, "token")?;
        assert_eq!(found, None, "{expiry}");
        let found = USERS.find_by_verification_token(&mut session, "token")?;
        assert_eq!(found, None, "{expiry}");
    }
    Ok(())
}

/// Another column is no reason to take a token for none.
#[test]
fn where_the_expiry_can_be_read_the_row_is_named() -> lback::Result<()> {
    for odd_instant in odd_instants() {
        let Some((_database, mut session, odd)) = with_expiry("2100-01-01 00:00:00") else {
            return Ok(());
        };
        let update =
            format!("UPDATE users SET created_at = '{odd_instant}' WHERE username = 'odd'");
        session.conn().batch_execute(&update)?;
        is_named(USERS.find_by_auth_token(&mut session, "token"), &odd);
        is_named(
            USERS.find_by_verification_token(&mut session, "token"),
            &odd,
        );
    }
    Ok(())
}

/// An empty token is none, whoever has stored it.
#[test]
fn an_empty_token_finds_nobody() -> lback::Result<()> {
    let Some((_database, mut session, _)) = with_expiry("2100-01-01 00:00:00") else {
        return Ok(());
    };
    let update = "UPDATE users SET auth_token = '', email_verification_token = ''";
    session.conn().batch_execute(update)?;
    assert_eq!(USERS.find_by_auth_token(&mut session, "")?, None);
    assert_eq!(USERS.find_by_verification_token(&mut session, "")?, None);
    Ok(())
}

/// Nothing becomes NULL, or another instant, without a word: an expiry that is lost is for ever.
#[test]
fn what_cannot_be_held_is_not_stored() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    if NAME == "MySQL" {
        let careless = "SET sql_mode = ''";
        session.conn().batch_execute(careless).expect("a setting");
    }
    for (instant, is_stored) in [
        (chrono::DateTime::<chrono::Utc>::MIN_UTC, false),
        (chrono::DateTime::<chrono::Utc>::MAX_UTC, false),
        ("0000-06-01T00:00:00Z".parse().expect("a time"), false),
        ("+10000-01-01T00:00:00Z".parse().expect("a time"), false),
        ("9999-12-31T23:59:59.999999Z".parse().expect("a time"), true),
        ("1969-12-31T23:59:59Z".parse().expect("a time"), true),
    ] {
        let mut new = new_user("ada");
        new.token_expiry = Some(lback::Timestamp::from(instant));
        let expiry = new.token_expiry;
        match USERS.create(&mut session, new) {
            Ok(user) => {
                assert!(is_stored, "{instant}");
                assert_eq!(user.token_expiry, expiry);
                USERS.delete(&mut session, &user).expect("it is there");
            }
            Err(Error::Invalid(invalid)) => {
                assert!(!is_stored, "{instant}");
                assert_eq!(invalid.field, "token_expiry");
            }
            Err(error) => panic!("{instant}: {error:?}"),
        }
        // And by Diesel alone, where nothing is validated, an error or the same instant.
        let mut new = new_user("ada");
        new.token_expiry = expiry;
        let inserted = diesel::insert_into(users::table)
            .values(&new)
            .execute(session.conn());
        if inserted.is_ok() {
            let user = USERS.find_by_username(&mut session, "ada");
            let user = user.expect("readable").expect("it is stored");
            assert_eq!(user.token_expiry, expiry);
            USERS.delete(&mut session, &user).expect("it is there");
        }
    }
}
