//! Errors of connecting, without the password that an address holds.

use std::borrow::Cow;

use diesel::ConnectionError;

use crate::error::Error;
use crate::value::MASK;

/// A database that could not be reached, at this address.
#[cold]
pub(crate) fn not_connected(
    what: impl Into<Cow<'static, str>>,
    address: &str,
    error: ConnectionError,
) -> Error {
    let error = match error {
        // It holds the whole address.
        ConnectionError::InvalidCString(_) => {
            ConnectionError::BadConnection("the address holds a NUL character".into())
        }
        ConnectionError::BadConnection(text) => {
            ConnectionError::BadConnection(without_password(&text, address))
        }
        ConnectionError::InvalidConnectionUrl(text) => {
            ConnectionError::InvalidConnectionUrl(without_password(&text, address))
        }
        error => error,
    };
    Error::Connection {
        what: what.into(),
        source: error.into(),
    }
}

/// An address as it may be printed: without user and password.
pub(crate) fn printable(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.into();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{MASK}@{host}").into(),
        // Perhaps a port; perhaps a password, and the rest was forgotten.
        None if rest.contains(':') => format!("{scheme}://{MASK}").into(),
        None => address.into(),
    }
}

/// Client libraries quote the part of an address that they do not understand: where it is malformed,
/// that is often a part of the password. What stands in quotes and shares four characters with the
/// password is masked.
fn without_password(message: &str, address: &str) -> String {
    let passwords = passwords(address);
    if passwords.is_empty() {
        return message.to_owned();
    }
    let mut shown = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = if rest[start..].starts_with('"') {
            '"'
        } else {
            '\''
        };
        let inside = &rest[start + 1..];
        // A quote in the password itself leaves one over.
        let is_even = inside.matches(quote).count() % 2 == 1;
        let end = if is_even {
            inside.find(quote)
        } else {
            inside.rfind(quote)
        };
        let end = end.unwrap_or(inside.len());
        shown.push_str(&rest[..=start]);
        let is_secret = passwords
            .iter()
            .any(|password| share(&inside[..end], password));
        shown.push_str(if is_secret { MASK } else { &inside[..end] });
        rest = &inside[end..];
        if let Some(behind) = rest.strip_prefix(quote) {
            shown.push(quote);
            rest = behind;
        }
    }
    shown.push_str(rest);
    shown
}

/// What may be the password, as written and decoded; not where it is the name of the user, which
/// servers say.
fn passwords(address: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, rest)) = address.split_once("://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(user, _)| user);
        if let Some((user, password)) = rest.split_once(':') {
            found.extend((user != password).then(|| password.to_owned()));
        }
    }
    for part in address.split("password=").skip(1) {
        let end = part.find(|c: char| c.is_whitespace() || c == '&');
        found.push(part[..end.unwrap_or(part.len())].to_owned());
    }
    let decoded: Vec<_> = found.iter().map(|password| decoded(password)).collect();
    found.extend(decoded);
    found.retain(|password| !password.is_empty());
    found
}

/// `%40` is `@`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether four characters in a row are in both, or the whole of a shorter password.
fn share(quoted: &str, password: &str) -> bool {
    let password: Vec<char> = password.chars().collect();
    let length = password.len().min(4);
    password
        .windows(length)
        .any(|part| quoted.contains(&part.iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::{printable, without_password};

    #[test]
    fn a_password_is_masked_wherever_it_is_quoted() {
        for (message, address, expected) in [
            (
                "invalid port number: \"hunter2@db\"",
                "postgres://ada:hunter2@db:5432/app",
                "invalid port number: \"***\"",
            ),
            (
                "invalid port number: \"hun\"ter2\"",
                "postgres://ada:hun\"ter2@db",
                "invalid port number: \"***\"",
            ),
            (
                "missing \"=\" after \"host=db password=hunter2 x\"",
                "host=db password=hunter2 x",
                "missing \"=\" after \"***\"",
            ),
            (
                "could not translate host name \"er2@db\" to address",
                "postgres://ada:hunt%20er2@db@x",
                "could not translate host name \"***\" to address",
            ),
            (
                "password authentication failed for user \"ada\"",
                "postgres://ada:hunter2@db",
                "password authentication failed for user \"ada\"",
            ),
            (
                "Access denied for user 'ada'@'localhost'",
                "mysql://ada:ada@db/app",
                "Access denied for user 'ada'@'localhost'",
            ),
        ] {
            assert_eq!(without_password(message, address), expected);
        }
    }

    #[test]
    fn an_address_is_shown_without_its_user() {
        assert_eq!(printable("app.db"), "app.db");
        assert_eq!(printable("postgres://ada:x"), "postgres://***");
        assert_eq!(
            printable("postgres://ada:x@y@db/app"),
            "postgres://***@db/app"
        );
    }
}
