//! Each input of the table in `docs/semantics.md`: accepted, as what, or refused, by which error.
//!
//! The rows about database files are in `sqlite_only`.

use crate::database::*;
use lback::password::Hasher;
use lback::{Error, Page};
use lback_tests::{cheap_password, count, new_user};

own_users!();

const USERS: UserRepository = UserRepository::new();

/// What becomes of a text.
#[derive(Clone, Copy)]
enum Becomes {
    /// Stored as it is.
    Itself,
    /// Stored without the white space around it.
    Trimmed,
    /// Refused, with this reason.
    Refused(&'static str),
}
use Becomes::{Itself, Refused, Trimmed};

const SHORT: Becomes = Refused("The username must have at least 3 characters.");
const LONG: Becomes = Refused("The username must have at most 150 characters.");
const EMPTY: Becomes = Refused("The username must not be empty.");
const NUL: Becomes = Refused("NUL characters are not allowed here.");
const NO_ADDRESS: Becomes = Refused("The e-mail address must look like name@example.com.");
const EMPTY_ADDRESS: Becomes = Refused("The e-mail address must not be empty.");
const LONG_ADDRESS: Becomes = Refused("The e-mail address must have at most 254 characters.");

const SQL: [&str; 6] = [
    "'; DROP TABLE users; --",
    "\" OR 1=1 --",
    "Robert'); DROP TABLE students;--",
    "`backticks` and \\ and $1 ? :id %s",
    "100%_!",
    "/* comment */ UNION SELECT",
];

fn usernames() -> Vec<(String, Becomes)> {
    let mut table: Vec<(String, Becomes)> = vec![
        (String::new(), EMPTY),
        ("   ".into(), EMPTY),
        ("\t\n\u{a0}\u{3000}".into(), EMPTY),
        ("ab".into(), SHORT),
        (" ab ".into(), SHORT),
        ("äß".into(), SHORT),
        ("abc".into(), Itself),
        ("äöü".into(), Itself),
        ("x".repeat(150), Itself),
        ("x".repeat(151), LONG),
        ("ß".repeat(150), Itself),
        ("ß".repeat(151), LONG),
        ("😀".repeat(150), Itself),
        ("😀".repeat(151), LONG),
        ("x".repeat(10_000), LONG),
        (format!(" {} ", "x".repeat(150)), Trimmed),
        (" ada ".into(), Trimmed),
        ("\u{a0}ada\u{3000}\r\n".into(), Trimmed),
        ("\u{1c}ada\u{1f}".into(), Trimmed),
        ("ada lovelace".into(), Itself),
        ("a\0b".into(), NUL),
        ("\0\0\0".into(), NUL),
        ("abc\0".into(), NUL),
        ("Ада Лавлейс".into(), Itself),
        ("愛達·勒芙蕾絲".into(), Itself),
        ("عَدا لوفلايس".into(), Itself),
        ("👩‍💻🏳️‍🌈👍🏽".into(), Itself),
        ("e\u{301}e\u{301}e\u{301}".into(), Itself),
        ("\u{202e}gnp.exe".into(), Itself),
        ("\u{200b}\u{200d}\u{feff}".into(), Itself),
        ("İıŞşßẞ".into(), Itself),
        ("line\nbreak".into(), Itself),
    ];
    table.extend(SQL.map(|text| (text.into(), Itself)));
    table
}

fn long_address(length: usize) -> String {
    let domain = "@example.com";
    format!("{}{domain}", "x".repeat(length - domain.len()))
}

fn emails() -> Vec<(String, Becomes)> {
    let mut table: Vec<(String, Becomes)> = vec![
        (String::new(), EMPTY_ADDRESS),
        ("  ".into(), EMPTY_ADDRESS),
        ("ada".into(), NO_ADDRESS),
        ("ada.example.com".into(), NO_ADDRESS),
        ("@example.com".into(), NO_ADDRESS),
        ("ada@".into(), NO_ADDRESS),
        ("ada@localhost".into(), NO_ADDRESS),
        ("ada@@example.com".into(), NO_ADDRESS),
        ("ada@home@example.com".into(), NO_ADDRESS),
        ("ada@example..com".into(), NO_ADDRESS),
        ("ada@.example.com".into(), NO_ADDRESS),
        ("ada@example.com.".into(), NO_ADDRESS),
        ("ada lovelace@example.com".into(), NO_ADDRESS),
        ("ada@exam ple.com".into(), NO_ADDRESS),
        ("ada\n@example.com".into(), NO_ADDRESS),
        ("ada@example.com\r\nBcc: all@example.com".into(), NO_ADDRESS),
        ("Ada <ada@example.com>".into(), NO_ADDRESS),
        ("ada@example.com, eve@example.com".into(), NO_ADDRESS),
        ("\"ada\"@example.com".into(), NO_ADDRESS),
        ("ada@example.com\u{200b}".into(), NO_ADDRESS),
        ("a\u{200d}da@example.com".into(), NO_ADDRESS),
        ("\u{feff}ada@example.com".into(), NO_ADDRESS),
        ("ada@exam\u{ad}ple.com".into(), NO_ADDRESS),
        ("ada\u{202e}moc.elpmaxe@example.com".into(), NO_ADDRESS),
        ("ada@example\u{378}.com".into(), NO_ADDRESS),
        ("ada\u{e000}@example.com".into(), NO_ADDRESS),
        ("ada\u{3164}@example.com".into(), NO_ADDRESS),
        ("ada\u{7}@example.com".into(), NO_ADDRESS),
        ("ada@example\u{3002}com".into(), NO_ADDRESS),
        ("a..da@example.com".into(), NO_ADDRESS),
        ("ada.@example.com".into(), NO_ADDRESS),
        (".ada@example.com".into(), NO_ADDRESS),
        ("ada@-example.com".into(), NO_ADDRESS),
        ("ada@1.2".into(), NO_ADDRESS),
        ("संपर्क@डाटामेल.भारत".into(), Itself),
        ("ada\0@example.com".into(), NUL),
        (long_address(254), Itself),
        (long_address(255), LONG_ADDRESS),
        (long_address(10_000), LONG_ADDRESS),
        (format!(" {} ", long_address(254)), Trimmed),
        (" ada@example.com\n".into(), Trimmed),
        ("ada@example.co".into(), Itself),
        ("ada+tag@mail.example.com".into(), Itself),
        ("o'hara@example.com".into(), Itself),
        ("äda@exämple.com".into(), Itself),
        ("愛達@例え.jp".into(), Itself),
        ("Ada@Example.COM".into(), Itself),
        ("'--@example.com".into(), Itself),
    ];
    table.extend(SQL.map(|text| (text.into(), NO_ADDRESS)));
    table
}

/// Creates a user with `input` in the field, and again by an update.
fn check(
    field: &'static str,
    table: Vec<(String, Becomes)>,
    new: fn(String) -> NewUser,
    changes: fn(String) -> UserChanges,
    of: fn(&User) -> &String,
) {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (input, becomes) in table {
        let other = Users.create(&mut session, new_user("other"));
        let other = other.expect("the table is empty");
        let what = input.chars().take(40).collect::<String>();
        let created = Users.create(&mut session, new(input.clone()));
        if let Ok(user) = &created {
            Users.delete(&mut session, user).expect("it was created");
        }
        let updated = Users.update(&mut session, &other, changes(input.clone()));
        for result in [created, updated] {
            match (result, becomes) {
                (Ok(user), Itself) => assert_eq!(of(&user), &input),
                (Ok(user), Trimmed) => {
                    let trimmed = input.trim_matches(|c: char| {
                        c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
                    });
                    assert_ne!(trimmed, input, "{what:?} has nothing to trim");
                    assert_eq!(of(&user), trimmed);
                }
                (Err(Error::Invalid(invalid)), Refused(reason)) => {
                    assert_eq!(invalid.field, field, "{what:?}");
                    assert_eq!(invalid.reason, reason, "{what:?}");
                }
                (result, _) => panic!("{field} {what:?}: {result:?}"),
            }
        }
        Users.delete(&mut session, &other).expect("it was created");
        let rows = count("users", &mut session);
        assert_eq!(rows, 0, "{what:?} left something");
    }
}

#[test]
fn usernames_of_all_kinds() {
    check(
        "username",
        usernames(),
        |username| NewUser::with_password(username, "somebody@example.com", cheap_password()),
        |username| UserChanges {
            username: Some(username),
            ..UserChanges::default()
        },
        |user| &user.username,
    );
}

#[test]
fn addresses_of_all_kinds() {
    check(
        "email",
        emails(),
        |email| NewUser::with_password("somebody", email, cheap_password()),
        |email| UserChanges {
            email: Some(email),
            ..UserChanges::default()
        },
        |user| &user.email,
    );
}

#[test]
fn passwords_of_all_lengths() {
    const EMPTY: Option<&str> = Some("The password must not be empty.");
    const LONG: Option<&str> = Some("The password must have at most 1,024 bytes.");
    const LONG_FOR_BCRYPT: Option<&str> = Some("The password must have at most 72 bytes.");
    const NUL_FOR_BCRYPT: Option<&str> = Some("The password must not contain NUL characters.");
    let argon2id = Hasher::argon2id(8, 1, 1).expect("the least that argon2 has");
    let bcrypt = Hasher::bcrypt(4).expect("the least that bcrypt has");
    for (hasher, plain, refused) in [
        (argon2id, String::new(), EMPTY),
        (argon2id, "x".into(), None),
        (argon2id, "x".repeat(1_024), None),
        (argon2id, "x".repeat(1_025), LONG),
        (argon2id, "ß".repeat(512), None),
        (argon2id, format!("{}x", "ß".repeat(512)), LONG),
        (argon2id, " ".into(), None),
        (argon2id, " not trimmed ".into(), None),
        (argon2id, "with\0NUL".into(), None),
        (argon2id, SQL[0].into(), None),
        (bcrypt, String::new(), EMPTY),
        (bcrypt, "x".repeat(72), None),
        (bcrypt, "x".repeat(73), LONG_FOR_BCRYPT),
        (bcrypt, "with\0NUL".into(), NUL_FOR_BCRYPT),
        (bcrypt, "x".repeat(1_025), LONG),
    ] {
        let length = plain.len();
        match (hasher.hash(&plain), refused) {
            (Ok(password), None) => {
                let verified = password.verify(&plain).expect("it was just made");
                assert!(verified.is_match(), "{length} bytes");
                let other = password.verify(format!("{plain} ")).expect("just made");
                assert!(!other.is_match(), "{length} bytes and a space");
            }
            (Err(Error::Invalid(invalid)), Some(reason)) => {
                assert_eq!(invalid.field, "password");
                assert_eq!(invalid.reason, reason);
            }
            (other, _) => panic!("{length} bytes: {other:?}"),
        }
    }
    // The way that applications take.
    for plain in [String::new(), "x".repeat(1_025)] {
        let refused = NewUser::new("ada", "ada@example.com", plain);
        assert!(
            matches!(&refused, Err(Error::Invalid(invalid)) if invalid.field == "password"),
            "{refused:?}"
        );
    }
}

#[test]
fn hashes_that_are_none() {
    for hash in [
        "",
        "plain text",
        "$2b$12$short",
        "$argon2id$nonsense",
        SQL[0],
    ] {
        let refused = Password::from_hash(hash);
        assert!(matches!(refused, Err(Error::Password(_))), "{hash}");
    }
}

#[test]
fn tokens_of_all_kinds() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (token, reason) in [
        (
            "",
            Some("The token must not be empty; leave it out instead."),
        ),
        ("a\0b", Some("NUL characters are not allowed here.")),
        ("x", None),
        (" not trimmed ", None),
        (SQL[0], None),
        (SQL[4], None),
    ] {
        for field in ["auth_token", "email_verification_token"] {
            let mut new = new_user("ada");
            let column = match field {
                "auth_token" => &mut new.auth_token,
                _ => &mut new.email_verification_token,
            };
            *column = Some(Secret::from(token));
            match (Users.create(&mut session, new), reason) {
                (Ok(user), None) => {
                    let stored = user
                        .auth_token
                        .clone()
                        .or(user.email_verification_token.clone());
                    assert_eq!(stored, Some(Secret::from(token)));
                    if field == "auth_token" {
                        let found = USERS.find_by_auth_token(&mut session, token);
                        assert_eq!(found.expect("it can be read").as_ref(), Some(&user));
                    }
                    Users.delete(&mut session, &user).expect("it was created");
                }
                (Err(Error::Invalid(invalid)), Some(reason)) => {
                    assert_eq!(invalid.field, field);
                    assert_eq!(invalid.reason, reason);
                }
                (other, _) => panic!("{token:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn names_and_addresses_that_are_taken() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    let grace = Users
        .create(&mut session, new_user("grace"))
        .expect("it is valid");
    for (name, address, duplicate) in [
        ("ada", "new@example.com", Some("username")),
        (" ada ", "new@example.com", Some("username")),
        ("new", "ada@example.com", Some("email")),
        // Compared byte for byte.
        ("Ada", "Ada@example.com", None),
        ("adà", "ada@example.org", None),
    ] {
        let new = NewUser::with_password(name, address, cheap_password());
        let created = Users.create(&mut session, new);
        match (created, duplicate) {
            (Ok(user), None) => Users.delete(&mut session, &user).expect("it was created"),
            (Err(Error::Duplicate { field, .. }), Some(expected)) => {
                assert_eq!(field.as_deref(), Some(expected));
            }
            (other, _) => panic!("{name} {address}: {other:?}"),
        }
    }
    let changes = UserChanges {
        username: Some(ada.username.clone()),
        ..UserChanges::default()
    };
    let refused = Users.update(&mut session, &grace, changes.clone());
    assert!(
        matches!(&refused, Err(Error::Duplicate { field: Some(field), .. }) if field == "username"),
        "{refused:?}"
    );
    // One's own is not taken.
    Users
        .update(&mut session, &ada, changes)
        .expect("nothing changes");
}

#[test]
fn sql_in_what_is_looked_for() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    Users.create(&mut session, new_user("ada")).expect("valid");
    for text in SQL {
        let none = [
            USERS.find_by_username(&mut session, text),
            USERS.find_by_email(&mut session, text),
            USERS.find_by_auth_token(&mut session, text),
            USERS.find_by_verification_token(&mut session, text),
            USERS.authenticate(&mut session, text, text),
            USERS.authenticate(&mut session, "ada", text),
        ];
        for found in none {
            assert_eq!(found.expect("it can be looked for"), None, "{text}");
        }
        let found = USERS.search(&mut session, text, Page::new(0, 10));
        assert_eq!(found.expect("it can be looked for"), [], "{text}");
    }
    assert_eq!(count("users", &mut session), 1);
}
