//! [`Password`]: a hash that can be checked and stored, and nothing else.

mod form;
mod format;
mod hasher;
mod limit;
mod phc;
mod sql_type;

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Serialize, Serializer};

pub use self::form::{HashedPassword, PlainPassword};
use self::format::Format;
pub use self::hasher::Hasher;
pub use self::limit::CostLimit;
pub use self::sql_type::PasswordHash;
pub use crate::error::PasswordError;
use crate::error::Result;
use crate::value::{MASK, WithoutValue, equal};

/// The hash of a password.
///
/// The plain text is gone as soon as a `Password` exists, and the hash does not get out by accident: it
/// prints, debugs and serializes as `***`, no method gives it, and its column can be loaded as a
/// `Password` only. It is itself the bind value, so Diesel's query log shows `***` too.
///
/// It is no vault. Whoever may write statements can read the table, and Diesel's `ToSql` gives the hash
/// to whoever binds it into a statement of their own: receivers are trusted code.
///
/// ```
/// use lback::Password;
///
/// let password = Password::new("correct horse battery")?;
/// assert!(password.verify("correct horse battery")?.is_match());
/// assert!(!password.verify("battery horse correct")?.is_match());
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// # lback::Result::Ok(())
/// ```
///
/// Hashing is slow on purpose: about 40 ms in a release build, and twenty times that where the crate
/// `argon2` is not optimised. For a development build:
///
/// ```toml
/// [profile.dev.package.argon2]
/// opt-level = 3
/// [profile.dev.package.blake2]
/// opt-level = 3
/// ```
#[derive(Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = PasswordHash)]
pub struct Password(String);

/// Whether a plain password is the one that was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// It is.
    Match,
    /// It is, and the hash was not made as the default [`Hasher`] makes them now: hash the plain
    /// password anew, while it is at hand, and store that.
    MatchNeedsRehash,
    /// It is not.
    Mismatch,
}

impl Verification {
    /// Whether the password is right.
    pub const fn is_match(self) -> bool {
        !matches!(self, Self::Mismatch)
    }

    /// Whether the password is right and should be stored anew.
    pub const fn needs_rehash(self) -> bool {
        matches!(self, Self::MatchNeedsRehash)
    }
}

impl Password {
    /// Hashes `plain` at once, with the default [`Hasher`].
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid), of the field `password`, unless there are 1 to
    /// 1,024 bytes: longer ones only cost time (the peer has no bound; 1,024 is ours, far above the
    /// 64 characters that NIST SP 800-63B asks to be permitted). [`PasswordError::HashingFailed`] if
    /// there is no memory or no randomness.
    ///
    /// ```
    /// use lback::{Error, Password};
    ///
    /// assert!(matches!(Password::new(""), Err(Error::Invalid(_))));
    /// ```
    pub fn new(plain: impl AsRef<str>) -> Result<Self> {
        Hasher::current().hash(plain)
    }

    /// Takes over a hash that was made elsewhere.
    ///
    /// Known are argon2 in the PHC string format (`$argon2id$`, `$argon2i$`, `$argon2d$`) and bcrypt
    /// (`$2a$`, `$2b$`, `$2y$`), with costs that the [`CostLimit`] allows.
    ///
    /// # Errors
    ///
    /// [`PasswordError::UnknownFormat`] and [`PasswordError::CostTooHigh`]. The text is not repeated
    /// in them.
    ///
    /// ```
    /// use lback::{Password, password::Verification};
    ///
    /// let ada = Password::from_hash(
    ///     "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq",
    /// )?;
    /// let verification = ada.verify("correct horse battery")?;
    /// assert_eq!(verification, Verification::MatchNeedsRehash);
    /// assert!(Password::from_hash("correct horse battery").is_err());
    /// # lback::Result::Ok(())
    /// ```
    pub fn from_hash(hash: impl Into<String>) -> Result<Self> {
        let hash = hash.into();
        Format::parse(&hash)?;
        Ok(Self(hash))
    }

    /// Whether `plain` is the password.
    ///
    /// It takes as long as the hashing did. Two kinds of input never match a bcrypt hash, because
    /// bcrypt would take them for shorter ones: more than 72 bytes, and those with a NUL.
    ///
    /// # Errors
    ///
    /// [`PasswordError::UnknownFormat`] if the stored text is no known hash, and
    /// [`PasswordError::CostTooHigh`], before any computing, if it asks for more than the
    /// [`CostLimit`] allows: a hash that somebody slipped into the table must not stop the program.
    pub fn verify(
        &self,
        plain: impl AsRef<str>,
    ) -> std::result::Result<Verification, PasswordError> {
        let plain = plain.as_ref();
        let format = Format::parse(&self.0)?;
        if !format.matches(plain)? {
            return Ok(Verification::Mismatch);
        }
        let hasher = Hasher::current();
        if !format.is_made_by(hasher) && hasher.check(plain).is_ok() {
            return Ok(Verification::MatchNeedsRehash);
        }
        Ok(Verification::Match)
    }

    /// Whether the hash was made in another way than the default [`Hasher`] makes them now.
    ///
    /// After a log-in, while the plain password is at hand, [`Verification`] knows better: it asks
    /// for a rehash only if the default hasher takes that password.
    ///
    /// ```
    /// use lback::{Password, password::Hasher};
    ///
    /// assert!(!Password::new("correct horse battery")?.needs_rehash());
    /// assert!(Hasher::bcrypt(4)?.hash("correct horse battery")?.needs_rehash());
    /// # lback::Result::Ok(())
    /// ```
    pub fn needs_rehash(&self) -> bool {
        Format::parse(&self.0).map_or(true, |format| !format.is_made_by(Hasher::current()))
    }

    /// Whether [`verify`](Self::verify) can compare with the hash: not with a text that marks a user
    /// without a password (`!`, the empty text), a hash of an unknown kind, or one that asks for more
    /// than the [`CostLimit`] allows. Nobody logs in with such a password.
    ///
    /// ```
    /// use lback::Password;
    ///
    /// assert!(Password::new("correct horse battery")?.is_usable());
    /// # lback::Result::Ok(())
    /// ```
    pub fn is_usable(&self) -> bool {
        Format::parse(&self.0).is_ok()
    }

    /// One whose hash is not known here.
    pub(in crate::user) fn masked() -> Self {
        Self(MASK.to_owned())
    }

    /// Whether the hash was masked on its way here, as in what a durable receiver is given. Such a one
    /// matches nothing, equals nothing, and cannot be written to a database.
    pub fn is_masked(&self) -> bool {
        self.0 == MASK
    }

    /// Whether `plain` is the password; where the hash is unusable, `false` after as much work as for
    /// a password of the default hasher.
    pub(crate) fn lets_in(&self, plain: &str) -> std::result::Result<bool, PasswordError> {
        match self.verify(plain) {
            Ok(verification) => Ok(verification.is_match()),
            Err(PasswordError::UnknownFormat | PasswordError::CostTooHigh { .. }) => {
                Self::dummy_verify(plain);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Computes as much as [`verify`](Self::verify) does for a password of the default hasher.
    ///
    /// For a user who does not exist, so that the time of an answer does not tell. Rows that still
    /// have another kind of hash can be told apart until they are rehashed.
    pub(crate) fn dummy_verify(plain: &str) {
        // Nobody waits for the result; a failure would mean no more than it does for a real user.
        drop(Hasher::current().compute(plain));
    }
}

impl PartialEq for Password {
    /// Whether the hashes are the same text. Two hashes of one password are not.
    fn eq(&self, other: &Self) -> bool {
        !self.is_masked() && equal(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<DB> ToSql<PasswordHash, DB> for Password
where
    DB: Backend,
    String: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        if self.is_masked() {
            return Err(WithoutValue("a password that was masked cannot be written".into()).into());
        }
        ToSql::<Text, DB>::to_sql(&self.0, out)
    }
}

// Any text is read: one row with an old kind of hash must not make a whole list fail.
impl<DB> FromSql<PasswordHash, DB> for Password
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, DB>>::from_sql(bytes).map(Self)
    }
}

#[cfg(test)]
mod tests;
