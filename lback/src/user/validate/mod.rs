//! What a repository checks, after the pre receivers and before any statement.
//!
//! The rules and where they come from stand at [`NewUser`].

use super::{NewUser, UserChanges};
use crate::error::Invalid;
use crate::repository::Validate;
use crate::value::{Secret, Timestamp};

type Checked = Result<(), Invalid>;

const USERNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=150;
const EMAIL_CHARACTERS: usize = 254;

impl Validate for NewUser {
    fn validate(&mut self) -> Checked {
        username(&mut self.username)?;
        email(&mut self.email)?;
        token(
            "email_verification_token",
            self.email_verification_token.as_ref(),
        )?;
        token("auth_token", self.auth_token.as_ref())?;
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

fn is_plausible(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && local.chars().all(is_plain)
        && domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c == '-' || c.is_ascii_alphanumeric() || !c.is_ascii())
                && label.chars().all(is_plain)
        })
}

/// The rest needs quoting or an encoding in a mail header (RFC 5322, 3.2.3, "specials").
fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !r#"()<>[]:;@\,""#.contains(c)
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
