//! Case, accents, composed or not, white space behind: whatever differs in bytes is another name, on
//! every database, for unique columns and for look-ups.

use crate::database::*;
use diesel::connection::{InstrumentationEvent, SimpleConnection};
use lback_tests::{Trace, new_user};

const USERS: UserRepository = UserRepository::new();

const NAMES: [&str; 12] = [
    "Ada",
    "ada",
    "ADA",
    "ada ",
    "ada  ",
    "\u{e1}da",
    "a\u{301}da",
    "\u{212b}da",
    "\u{c5}da",
    "stra\u{df}e",
    "strasse",
    "\u{430}da",
];

fn address(name: &str) -> String {
    // Unlike the names, addresses would be told apart by their hosts.
    format!("{name}@example.com").replace(' ', "_")
}

#[test]
fn when_they_are_stored_and_when_they_are_looked_for() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    for (number, name) in NAMES.into_iter().enumerate() {
        let mut new = new_user("placeholder");
        new.username = name.into();
        new.email = format!("{number}{}", address(name));
        // A repository would trim it.
        diesel::insert_into(users::table)
            .values(&new)
            .execute(session.conn())?;
    }
    for name in NAMES {
        let found = USERS.find_by_username(&mut session, name)?;
        assert_eq!(found.expect("it is stored").username, name);
    }
    for name in ["aDa", " ada", "ada   ", "\u{c1}da", "strase"] {
        let found = USERS.find_by_username(&mut session, name)?;
        assert!(found.is_none(), "{name:?} is none of them: {found:?}");
    }
    Ok(())
}

#[test]
fn and_addresses_likewise() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let names = NAMES.into_iter().filter(|name| !name.contains(' '));
    for (number, name) in names.clone().enumerate() {
        let mut new = new_user(&format!("user{number}"));
        new.email = address(name);
        USERS.create(&mut session, new)?;
    }
    for name in names {
        let found = USERS.find_by_email(&mut session, &address(name))?;
        assert_eq!(found.expect("it is stored").email, address(name));
    }
    Ok(())
}

/// `mike`, on a table whose collation takes other names for it.
fn blurred(table: &str) -> Option<(Database, Session)> {
    let database = Database::empty()?;
    let mut session = database.session();
    session.conn().batch_execute(table).expect("it is new");
    let mut mike = new_user("mike");
    mike.auth_token = Some(Secret::from("abcdef"));
    mike.email_verification_token = Some(Secret::from("abcdef"));
    let tomorrow = *lback::Timestamp::now() + chrono::TimeDelta::days(1);
    mike.email_verification_token_expiry = Some(tomorrow.into());
    USERS.create(&mut session, mike).expect("it is valid");
    Some((database, session))
}

#[test]
fn on_a_table_of_another_collation() -> lback::Result<()> {
    for table in blurred_tables() {
        let Some((_database, mut session)) = blurred(&table) else {
            return Ok(());
        };
        let session = &mut session;
        assert!(USERS.find_by_username(session, "mike")?.is_some());
        assert!(USERS.find_by_email(session, "mike@example.com")?.is_some());
        assert!(USERS.find_by_auth_token(session, "abcdef")?.is_some());
        assert!(
            USERS
                .find_by_verification_token(session, "abcdef")?
                .is_some()
        );
        assert!(USERS.authenticate(session, "mike", "secret")?.is_some());
        for other in [
            "MIKE",
            "m\u{ed}ke",
            "m\u{131}ke",
            "mike ",
            "mike  ",
            "mike\u{200b}",
        ] {
            assert_eq!(USERS.find_by_username(session, other)?, None, "{other:?}");
            assert_eq!(
                USERS.authenticate(session, other, "secret")?,
                None,
                "{other:?}"
            );
            let address = format!("{other}@example.com");
            assert_eq!(USERS.find_by_email(session, &address)?, None, "{address:?}");
        }
        assert_eq!(USERS.find_by_email(session, "mike@example.com ")?, None);
        for other in ["ABCDEF", "\u{e1}bcdef", "abcdef ", "abcde"] {
            assert_eq!(USERS.find_by_auth_token(session, other)?, None, "{other:?}");
            let found = USERS.find_by_verification_token(session, other)?;
            assert_eq!(found, None, "{other:?}");
        }
        // Characters that latin1 does not have.
        let page = lback::Page::new(0, 10);
        for beyond in ["m\u{131}ke", "\u{611b}\u{9054}", "\u{1f600}"] {
            assert_eq!(USERS.find_by_auth_token(session, beyond)?, None);
            assert_eq!(USERS.find_by_verification_token(session, beyond)?, None);
            // A search goes by the table's own collation, for which the first is `mike`.
            if !beyond.starts_with('m') {
                assert_eq!(USERS.search(session, beyond, page)?, []);
                assert!(USERS.search_each(session, beyond, page)?.is_empty());
            }
        }
        // In bytes of the column's own character set.
        USERS.create(session, new_user("jos\u{e9}"))?;
        assert!(USERS.find_by_username(session, "jos\u{e9}")?.is_some());
        assert_eq!(USERS.find_by_username(session, "jose")?, None);
    }
    Ok(())
}

#[test]
fn by_the_index_of_the_column() -> lback::Result<()> {
    for table in blurred_tables() {
        let Some((database, mut session)) = blurred(&table) else {
            return Ok(());
        };
        let statements = Trace::new();
        let seen = statements.clone();
        let watch = move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                seen.note(query.to_string());
            }
        };
        session.conn().set_instrumentation(watch);
        USERS.find_by_username(&mut session, "mike")?;
        USERS.find_by_email(&mut session, "mike@example.com")?;
        USERS.find_by_auth_token(&mut session, "abcdef")?;
        USERS.find_by_verification_token(&mut session, "abcdef")?;
        let selects = statements.take();
        let mut selects = selects.iter().filter(|text| text.starts_with("SELECT"));
        for (index, value) in [
            ("ix_users_username", "'mike'"),
            ("ix_users_email", "'mike@example.com'"),
            ("ix_users_auth_token", "'abcdef'"),
            ("ix_users_email_verification_token", "'abcdef'"),
        ] {
            let text = selects.next().expect("each is one statement");
            let (text, _binds) = text.split_once(" -- binds").expect("with its values");
            let mut text = text.replace('?', value);
            for number in (1..=9).rev() {
                text = text.replace(&format!("${number}"), value);
            }
            let plan = plan(&mut database.connection(), &text);
            assert!(plan.contains(index), "{text}: {plan}");
        }
    }
    Ok(())
}
