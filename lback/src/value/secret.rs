//! [`Secret`]: a value that never prints.

use std::fmt;
use std::hint::black_box;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::{AsExpression, TypedExpressionType};
// The expression that Diesel's own derive of `AsExpression` names; the derive itself takes a fixed
// list of SQL types.
use diesel::internal::derives::as_expression::Bound;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SqlType;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::WithoutValue;

/// What is printed in the place of anything secret.
pub(crate) const MASK: &str = "***";

/// A value that prints, debugs and serializes as `***`.
///
/// [`expose_secret`](Self::expose_secret) is the one way in, so that all places which read a secret
/// are found by searching for one word.
///
/// In Diesel it stands wherever `T` could stand, as a field of a row and as a bind value, on every
/// database. It is itself the bind value, so Diesel's query log shows `***` as well. The database
/// gets the value as it is: a secret is masked, not encrypted.
///
/// Two secrets of text or bytes are compared in a time that depends on their lengths only.
///
/// What is stored for a [durable receiver](macro@crate::receiver) holds no secret either: there it is
/// [masked](Self::is_masked) when it is read again, as is whatever is deserialized from `***`.
///
/// ```
/// use lback::Secret;
///
/// let link_token = Secret::from("3f9a");
/// assert_eq!(format!("{link_token} {link_token:?}"), "*** ***");
/// assert_eq!(link_token.expose_secret(), "3f9a");
/// ```
#[derive(Clone, FromSqlRow)]
// `None` was read from a mask: nobody here knows the value.
pub struct Secret<T>(Option<T>);

impl<T> Secret<T> {
    /// Keeps `value` from being printed.
    pub const fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Whether the value was masked on its way here, as in what a durable receiver is given. Such a one
    /// equals nothing, itself included, and cannot be written to a database.
    ///
    /// ```
    /// use lback::Secret;
    ///
    /// let known = Secret::from("3f9a");
    /// let json = serde_json::to_string(&known).expect("it is text");
    /// let masked: Secret<String> = serde_json::from_str(&json).expect("it is text");
    /// assert!(masked.is_masked() && !known.is_masked());
    /// ```
    pub const fn is_masked(&self) -> bool {
        self.0.is_none()
    }

    /// The value itself, to be sent to the one person whom it is for.
    ///
    /// # Panics
    ///
    /// If it [is masked](Self::is_masked).
    pub const fn expose_secret(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => panic!(
                "a secret was masked in the outbox: read the row again, by its key, through `conn` or a \
                 pool in the state"
            ),
        }
    }
}

// No `From<T>`: with it, `Secret::from("...")` could mean a `Secret<&str>` as well, and every place
// that compares or filters would have to say which.
impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// The mask gives a secret that [is masked](Secret::is_masked), anything else the value.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.as_str() == Some(MASK) {
            return Ok(Self(None));
        }
        // The error of `T` may quote the value that it could not read.
        let value = T::deserialize(value);
        value
            .map(Self::new)
            .map_err(|_| D::Error::custom("a secret has not the form that its type expects"))
    }
}

impl<T: AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => equal(one.as_ref(), other.as_ref()),
            // What is not known is equal to nothing.
            _ => false,
        }
    }
}

impl<T: AsRef<[u8]>> Eq for Secret<T> {}

/// Whether two secrets are the same bytes, in a time that depends on their lengths only: with `==` a
/// guess that begins rightly would take longer.
///
/// Every byte is looked at, and `black_box` keeps the compiler from stopping at the first that
/// differs.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    let differing = one
        .iter()
        .zip(other)
        .fold(0, |differing: u8, (one, other)| {
            black_box(differing | (one ^ other))
        });
    one.len() == other.len() && differing == 0
}

impl<T, ST> AsExpression<ST> for Secret<T>
where
    ST: SqlType + TypedExpressionType,
{
    type Expression = Bound<ST, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST> AsExpression<ST> for &Secret<T>
where
    ST: SqlType + TypedExpressionType,
{
    type Expression = Bound<ST, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST, DB> ToSql<ST, DB> for Secret<T>
where
    DB: Backend,
    T: ToSql<ST, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        match &self.0 {
            Some(value) => value.to_sql(out),
            None => Err(WithoutValue("a secret that was masked cannot be written".into()).into()),
        }
    }
}

impl<T, ST, DB> FromSql<ST, DB> for Secret<T>
where
    DB: Backend,
    T: FromSql<ST, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        // The error of `T` may quote the value that it could not read.
        T::from_sql(bytes).map(Self::new).map_err(|_| {
            WithoutValue("a secret has not the form that its type expects".into()).into()
        })
    }

    fn from_nullable_sql(bytes: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        match bytes {
            Some(bytes) => Self::from_sql(bytes),
            None => T::from_nullable_sql(None).map(Self::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn nothing_prints_the_value() {
        let secret = Secret::from("canary");
        let text = format!("{secret} {secret:?} {secret:#?} {:?}", Some(&secret));
        assert_eq!(text, "*** *** *** Some(***)");
        assert_eq!(
            serde_json::to_string(&secret).ok().as_deref(),
            Some("\"***\"")
        );
    }

    #[test]
    fn a_masked_one_equals_nothing() {
        let masked: Secret<String> = serde_json::from_str("\"***\"").expect("it is text");
        assert!(masked.is_masked());
        assert_ne!(masked, masked.clone());
        assert_ne!(masked, Secret::from("***"));
        let known: Secret<String> = serde_json::from_str("\"3f9a\"").expect("it is text");
        assert_eq!(known, Secret::from("3f9a"));
        let bytes: Secret<Vec<u8>> = serde_json::from_str("[1, 2]").expect("it is a list");
        assert_eq!(bytes, Secret::new(vec![1, 2]));
        let wrong = serde_json::from_str::<Secret<i32>>("\"canary\"").expect_err("no number");
        assert!(!wrong.to_string().contains("canary"), "{wrong}");
    }

    #[test]
    #[should_panic(
        expected = "read the row again, by its key, through `conn` or a pool in the state"
    )]
    fn a_masked_one_is_not_exposed() {
        let masked: Secret<String> = serde_json::from_str("\"***\"").expect("it is text");
        masked.expose_secret();
    }

    #[test]
    fn equality_is_that_of_the_values() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("aa"));
        assert_eq!(Secret::new(vec![1_u8, 2]), Secret::new(vec![1, 2]));
    }
}
