use std::error::Error as _;

use super::{Hasher, Password, PasswordError, Verification};
use crate::error::{Error, Result};

/// Made by lback-framework 1.0.3 (bcrypt, cost 12).
const PEER: [(&str, &str); 2] = [
    (
        "correct horse battery",
        "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq",
    ),
    (
        "pässwörd ünïcode",
        "$2b$12$GMtrAORSrUAkuYwRuY0PW.KarQcyE72381FIpQ2XDqvwqr.1.Brjm",
    ),
];
/// Likewise, of 72 times `x`.
const PEER_72: &str = "$2b$12$RkEhE6CZgqZORod0c0Qk2.eym2rIymXvsPCMFJGbyBezIJwSr5zpm";

fn cheap() -> std::result::Result<Hasher, PasswordError> {
    Hasher::argon2id(64, 1, 1)
}

fn refusal(result: Result<Password>) -> Option<String> {
    match result {
        Err(Error::Invalid(invalid)) => Some(format!("{}: {}", invalid.field, invalid.reason)),
        _ => None,
    }
}

#[test]
fn the_peers_hashes_verify_and_ask_to_be_rehashed() -> Result<()> {
    for (plain, hash) in PEER {
        let password = Password::from_hash(hash)?;
        assert_eq!(password.verify(plain)?, Verification::MatchNeedsRehash);
        assert_eq!(password.verify("wrong")?, Verification::Mismatch);
    }
    Ok(())
}

#[test]
fn the_peers_72_bytes_match_and_one_more_does_not() -> Result<()> {
    let password = Password::from_hash(PEER_72)?;
    assert!(password.verify("x".repeat(72))?.is_match());
    assert!(!password.verify("x".repeat(73))?.is_match());
    assert!(!password.verify("x".repeat(71))?.is_match());
    Ok(())
}

#[test]
fn the_default_is_owasps_minimum_and_needs_no_rehash() -> Result<()> {
    let password = Password::new("correct horse battery")?;
    assert!(password.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(
        password.verify("correct horse battery")?,
        Verification::Match
    );
    assert_eq!(password.verify("")?, Verification::Mismatch);
    assert_ne!(password, Password::new("correct horse battery")?);
    assert_eq!(password, password.clone());
    Ok(())
}

#[test]
fn a_hash_of_another_cost_asks_to_be_rehashed() -> Result<()> {
    let verification = cheap()?.hash("a\0b")?.verify("a\0b")?;
    assert!(verification.is_match() && verification.needs_rehash());
    Ok(())
}

#[test]
fn the_default_is_set_once() -> Result<()> {
    Hasher::default().set_default()?;
    let late = cheap()?.set_default();
    assert!(matches!(late, Err(PasswordError::DefaultAlreadyInUse)));
    Ok(())
}

#[test]
fn one_to_1024_bytes_are_taken() -> Result<()> {
    let cheap = cheap()?;
    assert_eq!(
        refusal(cheap.hash("")).as_deref(),
        Some("password: The password must not be empty.")
    );
    assert!(cheap.hash(" ")?.verify(" ")?.is_match());
    let longest = "é".repeat(512);
    assert!(cheap.hash(&longest)?.verify(&longest)?.is_match());
    assert_eq!(
        refusal(cheap.hash("x".repeat(1025))).as_deref(),
        Some("password: The password must have at most 1,024 bytes.")
    );
    Ok(())
}

#[test]
fn bcrypt_takes_only_what_it_can_tell_apart() -> Result<()> {
    let bcrypt = Hasher::bcrypt(4)?;
    let longest = "x".repeat(72);
    let password = bcrypt.hash(&longest)?;
    assert!(password.0.starts_with("$2b$04$"));
    assert!(password.verify(&longest)?.is_match());
    assert_eq!(
        refusal(bcrypt.hash("x".repeat(73))).as_deref(),
        Some("password: The password must have at most 72 bytes.")
    );
    assert_eq!(
        refusal(bcrypt.hash("a\0a")).as_deref(),
        Some("password: The password must not contain NUL characters.")
    );
    // One and the same to bcrypt itself.
    let short = bcrypt.hash("a")?;
    assert!(bcrypt::verify("a\0a", &short.0).is_ok_and(|same| same));
    assert!(!short.verify("a\0a")?.is_match());
    Ok(())
}

#[test]
fn known_formats_are_imported() -> Result<()> {
    // The vectors of the reference implementation (phc-winner-argon2, src/test.c).
    for hash in [
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ] {
        let password = Password::from_hash(hash)?;
        assert!(password.verify("password")?.needs_rehash(), "{hash}");
        assert!(!password.verify("passwore")?.is_match(), "{hash}");
    }
    let other_prefixes = [
        PEER[0].1.replace("$2b$", "$2a$"),
        PEER[0].1.replace("$2b$", "$2y$"),
    ];
    for hash in other_prefixes {
        assert!(Password::from_hash(hash)?.verify(PEER[0].0)?.is_match());
    }
    Ok(())
}

#[test]
fn what_is_no_known_hash_is_an_error() {
    for text in [
        "",
        "correct horse battery",
        "$2x$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq",
        "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtf",
        "$2b$03$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq",
        "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtf\u{e9}",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=99$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2x$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$pbkdf2-sha256$i=600000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ] {
        assert!(Password::from_hash(text).is_err(), "{text}");
        // As a row of a table may hold it.
        let error = Password(text.to_owned()).verify("x").err();
        assert!(
            matches!(error, Some(PasswordError::UnknownFormat)),
            "{text}"
        );
    }
}

#[test]
fn costs_beyond_all_sense_are_refused_before_computing() {
    let tail = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for text in [
        PEER[0].1.replace("$12$", "$15$"),
        PEER[0].1.replace("$12$", "$31$"),
        format!("$argon2id$v=19$m=262145,t=1,p=1${tail}"),
        format!("$argon2id$v=19$m=4294967295,t=4294967295,p=1${tail}"),
        format!("$argon2id$v=19$m=8,t=4294967295,p=1${tail}"),
    ] {
        let error = Password(text.clone()).verify("x").err();
        assert!(
            matches!(error, Some(PasswordError::CostTooHigh { .. })),
            "{text}"
        );
        assert!(Password::from_hash(text).is_err());
    }
    assert!(Hasher::argon2id(256 * 1024, 3, 1).is_ok());
    assert!(Hasher::argon2id(256 * 1024, 4, 1).is_err());
    assert!(Hasher::bcrypt(14).is_ok() && Hasher::bcrypt(15).is_err());
    assert!(Hasher::bcrypt(3).is_err());
}

#[test]
fn nothing_prints_the_hash() -> Result<()> {
    let password = cheap()?.hash("canary")?;
    let json = serde_json::to_string(&password).ok();
    assert_eq!(
        format!("{password} {password:?} {password:#?}"),
        "*** *** ***"
    );
    assert_eq!(json.as_deref(), Some("\"***\""));

    let failed = Password("canary".to_owned())
        .verify("canary")
        .err()
        .map(Error::from);
    let mut printed = String::new();
    if let Some(error) = &failed {
        printed = format!("{error} {error:?} {:?}", error.source());
    }
    assert!(!printed.is_empty() && !printed.contains("canary"));
    Ok(())
}

#[test]
fn a_dummy_takes_any_input() {
    for plain in ["", "\0", &"x".repeat(2000)] {
        Password::dummy_verify(plain);
    }
}

/// Of `correct horse battery`, by Python's bcrypt 5.0 and argon2-cffi 25.1.
const OF_PYTHON: [(&str, &str); 8] = [
    (
        "bcrypt2b",
        "$2b$04$VnGgSxznMeEvB8AHKHOaZ.lgTu8c7DNoH.ithurORrWHA.jDmzjRG",
    ),
    (
        "hash 8",
        "$argon2id$v=19$m=1024,t=1,p=1$chBHF+KKqF8jEAkeRG9bPw$lsUc/9+Cx3I",
    ),
    (
        "hash 16",
        "$argon2id$v=19$m=1024,t=1,p=1$zHDXKr8p+dgEEbNmzm/ldA$QEJXwkzTvsIZ9MDUlaADtQ",
    ),
    (
        "hash 128",
        "$argon2id$v=19$m=1024,t=1,p=1$idLtoXZSF0u/jB1mxlFhVQ$9lg9TmMjAl72KIxyDlK2fVY6CzfefqrTnqGnwFT95kMJaQTea/HaeU+M9VxRkb+JPc5YlI1OyWwdA2Q/eFj13wT/3ZSk+gjnqMAVUrBadl9ByVBkqMKKiWYKn95uzvEaXvEbZmOND2tOGEmIehyHGWkj3wmFB1ehbhsO6E56P74",
    ),
    (
        "salt 64",
        "$argon2id$v=19$m=1024,t=1,p=1$8zaiQivp9W1tBna1J0TaypV7w+JKgZybDZidK3nV3UDnuEBKvDRmNb+gh2ez5TWjVY+TOXco2TmtctXZAjEeWg$XTfrDbqLk92JCjxSa8TfEHEF6SUWCV8ccE7eZD+yeP4",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=1024,t=1,p=1$wnzRuWoJeUosLW94XbzZjg$Ot4FM3ZpvNy6ahIfYKQfmd3HjoEsvbM16rsxalGM8Yw",
    ),
    (
        "argon2d",
        "$argon2d$v=19$m=1024,t=1,p=1$HtPqg6yeVuUabsQm253Vdw$+dfrN3cS8xieYmsGFlVmGb4XUH7Uk7EWzUY3vxLITAk",
    ),
    (
        "argon2 v16",
        "$argon2id$v=16$m=1024,t=1,p=1$c29tZXNhbHQxMjM0$wG/dC4yD2eetjGehw6wx7qlyseEjyX5hJQR8UhrKOYo",
    ),
];

#[test]
fn salts_and_outputs_of_other_lengths_verify() -> Result<()> {
    for (name, hash) in OF_PYTHON {
        let password = Password::from_hash(hash)?;
        assert!(
            password.verify("correct horse battery")?.is_match(),
            "{name}"
        );
        assert!(!password.verify("correct horse")?.is_match(), "{name}");
    }
    Ok(())
}

#[test]
fn padding_bits_of_bcrypt_stand_for_nothing() -> Result<()> {
    const DIGITS: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let hash = OF_PYTHON[0].1;
    // The last digit of the salt has four of them, the last of the output two.
    for (place, bits) in [(28, 16), (59, 4)] {
        let digit = DIGITS.find(&hash[place..=place]).unwrap_or_default();
        assert_eq!(digit % bits, 0, "bcrypt writes none");
        for padding in 1..bits {
            let padded = &DIGITS[digit + padding..=digit + padding];
            let padded = format!("{}{padded}{}", &hash[..place], &hash[place + 1..]);
            let password = Password::from_hash(padded)?;
            assert!(password.verify("correct horse battery")?.is_match());
            assert!(!password.verify("correct horse")?.is_match());
        }
    }
    Ok(())
}

#[test]
fn what_nobody_logs_in_with_is_unusable() -> Result<()> {
    for text in ["", "!", "!u3Vtc4Tz1v", "$bcrypt-sha256$v=2,t=2b,r=12$x$y"] {
        let password = Password(text.to_owned());
        assert!(!password.is_usable(), "{text}");
        assert!(!password.lets_in("x")?, "{text}");
    }
    assert!(cheap()?.hash("x")?.is_usable());
    Ok(())
}
