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
use serde::{Serialize, Serializer};

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
/// ```
/// use lback::Secret;
///
/// let link_token = Secret::from("3f9a");
/// assert_eq!(format!("{link_token} {link_token:?}"), "*** ***");
/// assert_eq!(link_token.expose_secret(), "3f9a");
/// ```
#[derive(Clone, FromSqlRow)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Keeps `value` from being printed.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, to be sent to the one person whom it is for.
    pub const fn expose_secret(&self) -> &T {
        &self.0
    }
}

// No `From<T>`: with it, `Secret::from("...")` could mean a `Secret<&str>` as well, and every place
// that compares or filters would have to say which.
impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
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

impl<T: AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        equal(self.0.as_ref(), other.0.as_ref())
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
        self.0.to_sql(out)
    }
}

impl<T, ST, DB> FromSql<ST, DB> for Secret<T>
where
    DB: Backend,
    T: FromSql<ST, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        // The error of `T` may quote the value that it could not read.
        T::from_sql(bytes).map(Self).map_err(|_| {
            WithoutValue("a secret has not the form that its type expects".into()).into()
        })
    }

    fn from_nullable_sql(bytes: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        match bytes {
            Some(bytes) => Self::from_sql(bytes),
            None => T::from_nullable_sql(None).map(Self),
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
    fn equality_is_that_of_the_values() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("aa"));
        assert_eq!(Secret::new(vec![1_u8, 2]), Secret::new(vec![1, 2]));
    }
}
