//! Case, accents, composed or not, white space behind: whatever differs in bytes is another name, on
//! every database, for unique columns and for look-ups.

use crate::database::*;
use lback_tests::new_user;

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
