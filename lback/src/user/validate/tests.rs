use crate::error::Invalid;
use crate::repository::Validate;
use crate::user::{NewUser, Password, UserChanges};
use crate::value::{Secret, Timestamp};

const HASH: &str = "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq";

fn ada() -> crate::Result<NewUser> {
    Ok(NewUser::with_password(
        "ada",
        "ada@example.com",
        Password::from_hash(HASH)?,
    ))
}

fn username(name: &str) -> Result<String, Invalid> {
    let mut changes = UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    };
    changes
        .validate()
        .map(|()| changes.username.unwrap_or_default())
}

fn email(address: &str) -> Result<String, Invalid> {
    let mut changes = UserChanges {
        email: Some(address.to_owned()),
        ..UserChanges::default()
    };
    changes
        .validate()
        .map(|()| changes.email.unwrap_or_default())
}

#[test]
fn usernames_have_3_to_150_characters_after_trimming() {
    for name in ["ada", "日本語", "a b", "O'Hara; DROP TABLE users;--", "👩‍👩‍👧"] {
        assert_eq!(username(name).as_deref(), Ok(name));
    }
    assert_eq!(username(" \t\u{a0}\u{1c}ada\n ").as_deref(), Ok("ada"));
    assert_eq!(username(&"é".repeat(150)), Ok("é".repeat(150)));
    for (name, reason) in [
        ("", "The username must not be empty."),
        (" \n ", "The username must not be empty."),
        ("ad", "The username must have at least 3 characters."),
        (" ad ", "The username must have at least 3 characters."),
        ("éé", "The username must have at least 3 characters."),
        (
            &*"x".repeat(151),
            "The username must have at most 150 characters.",
        ),
        (
            &*"x".repeat(10_000),
            "The username must have at most 150 characters.",
        ),
        ("ad\0a", "NUL characters are not allowed here."),
    ] {
        assert_eq!(
            username(name),
            Err(Invalid::new("username", reason)),
            "{name:.20}"
        );
    }
}

#[test]
fn plausible_addresses_are_taken() {
    for address in [
        "ada@example.com",
        "Ada.L+news@mail.Example.co.uk",
        "o'hara_-%@a-b.c",
        "дарья@почта.рф",
        "संपर्क@डाटामेल.भारत",
        "a\u{301}da@example.com",
    ] {
        assert_eq!(email(address).as_deref(), Ok(address));
    }
    assert_eq!(
        email("  ada@example.com\n").as_deref(),
        Ok("ada@example.com")
    );
    let longest = format!("{}@example.com", "x".repeat(242));
    assert_eq!(email(&longest), Ok(longest));
}

#[test]
fn other_addresses_are_refused() {
    for address in [
        "ada",
        "example.com",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@.com",
        "ada@example.",
        "ada@exa..mple.com",
        "ada@@example.com",
        "ada@b.c@example.com",
        "ada b@example.com",
        "ada@exam ple.com",
        "ada@exa_mple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "Ada <ada@example.com>",
        "ada@example.com,eve@example.com",
        "\"ada\"@example.com",
        "ada@[127.0.0.1]",
        "ada@exam\u{2028}ple.com",
        "ada\u{85}x@example.com",
        // What nobody sees, or takes for something else.
        "ada@example.com\u{200b}",
        "a\u{200d}da@example.com",
        "\u{feff}ada@example.com",
        "ada@exam\u{ad}ple.com",
        "ada\u{202e}moc.elpmaxe@example.com",
        "ada\u{2066}@example.com",
        "ada@example\u{2060}.com",
        "ada@example\u{378}.com",
        "ada\u{e000}@example.com",
        "ada\u{3164}@example.com",
        "ada@example\u{3002}com",
        "ada\u{2024}b@example.com",
        // Labels and words that are empty, or none.
        "a..da@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "x@1.2",
        "ada@127.0.0.1",
    ] {
        let refused = Invalid::new(
            "email",
            "The e-mail address must look like name@example.com.",
        );
        assert_eq!(email(address), Err(refused), "{address}");
    }
    for (address, reason) in [
        ("", "The e-mail address must not be empty."),
        ("  ", "The e-mail address must not be empty."),
        ("a\0da@example.com", "NUL characters are not allowed here."),
        (
            &*format!("{}@example.com", "x".repeat(243)),
            "The e-mail address must have at most 254 characters.",
        ),
    ] {
        assert_eq!(email(address), Err(Invalid::new("email", reason)));
    }
}

#[test]
fn tokens_are_not_empty_and_have_no_nul() -> crate::Result<()> {
    for token in ["", "a\0"] {
        let mut user = ada()?;
        user.auth_token = Some(Secret::from(token));
        assert_eq!(
            user.validate().map_err(|invalid| invalid.field),
            Err("auth_token".into())
        );

        let mut changes = UserChanges {
            email_verification_token: Some(Some(Secret::from(token))),
            ..UserChanges::default()
        };
        let field = changes.validate().map_err(|invalid| invalid.field);
        assert_eq!(field, Err("email_verification_token".into()));
    }
    Ok(())
}

#[test]
fn a_new_user_is_stamped_unless_it_has_its_times() -> crate::Result<()> {
    let mut user = ada()?;
    user.username = " ada ".to_owned();
    let before = Timestamp::now();
    user.validate()?;
    assert_eq!(user.username, "ada");
    assert!(user.created_at >= Some(before));
    assert_eq!(user.created_at, user.updated_at);

    let epoch = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
    let mut imported = NewUser {
        created_at: Some(epoch),
        ..ada()?
    };
    imported.validate()?;
    assert_eq!(
        (imported.created_at, imported.updated_at),
        (Some(epoch), Some(epoch))
    );
    Ok(())
}

#[test]
fn changes_are_stamped_only_if_something_changes() -> crate::Result<()> {
    let mut nothing = UserChanges::default();
    nothing.validate()?;
    assert!(nothing.is_empty());

    let mut some = UserChanges {
        auth_token: Some(None),
        ..UserChanges::default()
    };
    some.validate()?;
    assert!(some.updated_at.is_some());

    let epoch = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
    let mut stamped = UserChanges {
        updated_at: Some(epoch),
        ..some
    };
    stamped.validate()?;
    assert_eq!(stamped.updated_at, Some(epoch));
    Ok(())
}
