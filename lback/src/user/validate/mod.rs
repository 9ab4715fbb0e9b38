//! What a repository checks, after the pre receivers and before any statement.
//!
//! The rules and where they come from stand at [`NewUser`].

mod character;

use chrono::Datelike;

use super::{NewUser, UserChanges};
use crate::error::Invalid;
use crate::repository::Validate;
use crate::value::{Secret, Timestamp};

type Checked = Result<(), Invalid>;

const USERNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=150;
const EMAIL_CHARACTERS: usize = 254;
const LABEL_CHARACTERS: usize = 63;

impl Validate for NewUser {
    fn validate(&mut self) -> Checked {
        username(&mut self.username)?;
        email(&mut self.email)?;
        token(
            "email_verification_token",
            self.email_verification_token.as_ref(),
        )?;
        token("auth_token", self.auth_token.as_ref())?;
        let expiry = self.email_verification_token_expiry;
        instant("email_verification_token_expiry", expiry)?;
        instant("token_expiry", self.token_expiry)?;
        instant("created_at", self.created_at)?;
        instant("updated_at", self.updated_at)?;
        let created_at = *self.created_at.get_or_insert_with(Timestamp::now);
        self.updated_at.get_or_insert(created_at);
        Ok(())
    }
}

impl Validate for UserChanges {
    fn validate(&mut self) -> Checked {
        if let Some(changed) = &mut self.username {
            username(changed)?;
        }
        if let Some(changed) = &mut self.email {
            email(changed)?;
        }
        let verification = self.email_verification_token.as_ref();
        token(
            "email_verification_token",
            verification.and_then(Option::as_ref),
        )?;
        token(
            "auth_token",
            self.auth_token.as_ref().and_then(Option::as_ref),
        )?;
        let expiry = self.email_verification_token_expiry;
        instant("email_verification_token_expiry", expiry.flatten())?;
        instant("token_expiry", self.token_expiry.flatten())?;
        instant("created_at", self.created_at)?;
        instant("updated_at", self.updated_at)?;
        if !self.is_empty() {
            self.updated_at.get_or_insert_with(Timestamp::now);
        }
        Ok(())
    }
}

fn username(name: &mut String) -> Checked {
    const FIELD: &str = "username";
    trim(name);
    no_nul(FIELD, name)?;
    match name.chars().count() {
        0 => refuse(FIELD, "The username must not be empty."),
        length if length < *USERNAME_CHARACTERS.start() => {
            refuse(FIELD, "The username must have at least 3 characters.")
        }
        length if length > *USERNAME_CHARACTERS.end() => {
            refuse(FIELD, "The username must have at most 150 characters.")
        }
        _ => Ok(()),
    }
}

/// Whether mail may arrive there is for a verification link to find out; this catches mistyped ones.
fn email(address: &mut String) -> Checked {
    const FIELD: &str = "email";
    trim(address);
    no_nul(FIELD, address)?;
    if address.is_empty() {
        return refuse(FIELD, "The e-mail address must not be empty.");
    }
    if address.chars().count() > EMAIL_CHARACTERS {
        return refuse(
            FIELD,
            "The e-mail address must have at most 254 characters.",
        );
    }
    if !is_plausible(address) {
        return refuse(FIELD, "The e-mail address must look like name@example.com.");
    }
    Ok(())
}

/// As RFC 5322 and 6531 have it, without quoting: a local part of words between dots, and a domain of
/// labels between dots.
fn is_plausible(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    local.split('.').all(is_word)
        && domain.contains('.')
        && domain.split('.').all(is_label)
        // An address of numbers is no name.
        && domain.split('.').next_back().is_some_and(|last| {
            last.chars().any(|c| !c.is_ascii_digit())
        })
}

/// RFC 5322's `atom`, and letters beyond ASCII.
fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~".contains(c)
                || character::is_letter_beyond_ascii(c)
        })
}

/// RFC 1034's `label`, and letters beyond ASCII.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.chars().count() <= LABEL_CHARACTERS
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c == '-' || c.is_ascii_alphanumeric() || character::is_letter_beyond_ascii(c))
}

/// What Python can read too, and every database can hold.
fn instant(field: &'static str, instant: Option<Timestamp>) -> Checked {
    if instant.is_some_and(|instant| !(1..=9999).contains(&instant.year())) {
        return refuse(field, "The time must lie in the years 1 to 9999.");
    }
    Ok(())
}

fn token(field: &'static str, token: Option<&Secret<String>>) -> Checked {
    let Some(token) = token else {
        return Ok(());
    };
    if token.expose_secret().is_empty() {
        return refuse(field, "The token must not be empty; leave it out instead.");
    }
    no_nul(field, token.expose_secret())
}

/// PostgreSQL cannot store it, and C programs end the text there.
fn no_nul(field: &'static str, text: &str) -> Checked {
    if text.contains('\0') {
        return refuse(field, "NUL characters are not allowed here.");
    }
    Ok(())
}

/// As Python's `str.strip` does, which takes these four separators for white space too.
fn trim(text: &mut String) {
    let kept = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\x1c'..='\x1f'));
    if kept.len() != text.len() {
        *text = kept.to_owned();
    }
}

fn refuse(field: &'static str, reason: &'static str) -> Checked {
    Err(Invalid::new(field, reason))
}

#[cfg(test)]
mod tests;
