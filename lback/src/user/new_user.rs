//! [`NewUser`], and the row that it makes.

use diesel::ExpressionMethods;
use diesel::dsl::Eq;
use diesel::insertable::Insertable;
use diesel::internal::derives::insertable::UndecoratedInsertRecord;

use super::Password;
use super::password::{HashedPassword, PlainPassword};
use super::schema::users;
use crate::error::Result;
use crate::value::{Secret, Timestamp};

/// A user to be created.
///
/// Password and tokens print and serialize as `***`. A repository checks it after the pre receivers,
/// by [`Validate`](crate::repository::Validate):
///
/// | field | rule |
/// |---|---|
/// | `username` | trimmed; 3 to 150 characters, no NUL |
/// | `email` | trimmed; up to 254 characters; words of letters, digits and ``!#$%&'*+-/=?^_`{|}~`` between dots, an `@`, and a domain of at least two labels that is no number; letters of any script, and none that nobody sees |
/// | the tokens | not empty, no NUL |
/// | the times | in the years 1 to 9999 |
///
/// The lower bound and the trimming are those of lback-framework 1.0.3; 150 is Django's bound for a
/// username; 254 is the longest address that fits into a mail transaction (RFC 3696, erratum 1690).
///
/// With Diesel alone, insert a reference: `insert_into(users::table).values(&new_user)`. Nothing is
/// checked then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Unique, compared byte for byte.
    pub username: String,
    /// Unique, compared byte for byte.
    pub email: String,
    /// The hash.
    pub password: Password,
    /// Whether the user may log in; `true` unless you say otherwise.
    pub is_active: bool,
    /// Whether the address is known to be the user's; `false` unless you say otherwise.
    pub is_email_verified: bool,
    /// Sent to the address, to prove it.
    pub email_verification_token: Option<Secret<String>>,
    /// Until when that token counts; without it, it never does.
    pub email_verification_token_expiry: Option<Timestamp>,
    /// Identifies the user's requests.
    pub auth_token: Option<Secret<String>>,
    /// Until when that token counts; without it, for ever.
    pub token_expiry: Option<Timestamp>,
    /// `None` becomes the instant of the insert.
    pub created_at: Option<Timestamp>,
    /// `None` becomes the instant of the insert.
    pub updated_at: Option<Timestamp>,
}

impl NewUser {
    /// A user with this password, which is hashed at once (see [`Password::new`]).
    ///
    /// Name and address are checked by the repository that creates the user.
    ///
    /// # Errors
    ///
    /// Those of [`Password::new`].
    ///
    /// ```
    /// use lback::NewUser;
    ///
    /// let ada = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// assert!(ada.is_active && !ada.is_email_verified);
    /// assert!(format!("{ada:?}").contains("password: ***"));
    /// # lback::Result::Ok(())
    /// ```
    pub fn new(
        username: impl Into<String>,
        email: impl Into<String>,
        plain_password: impl PlainPassword,
    ) -> Result<Self> {
        Ok(Self::with_password(
            username,
            email,
            Password::new(plain_password.plain())?,
        ))
    }

    /// A user with a password that has been hashed already.
    ///
    /// ```
    /// use lback::{NewUser, Password};
    ///
    /// let imported = Password::from_hash(
    ///     "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq",
    /// )?;
    /// let ada = NewUser::with_password("ada", "ada@example.com", imported);
    /// # assert!(ada.is_active);
    /// # lback::Result::Ok(())
    /// ```
    pub fn with_password(
        username: impl Into<String>,
        email: impl Into<String>,
        password: impl HashedPassword,
    ) -> Self {
        Self {
            username: username.into(),
            email: email.into(),
            password: password.hashed(),
            is_active: true,
            is_email_verified: false,
            email_verification_token: None,
            email_verification_token_expiry: None,
            auth_token: None,
            token_expiry: None,
            created_at: None,
            updated_at: None,
        }
    }
}

/// All columns, always.
///
/// An optional column that is left out when it is empty (as Diesel's derive does) would make each row
/// a statement of another shape: SQLite would insert row by row, and no statement could be cached by
/// its type.
type Row<'a> = (
    Eq<users::username, &'a String>,
    Eq<users::email, &'a String>,
    Eq<users::password, &'a Password>,
    Eq<users::is_active, bool>,
    Eq<users::is_email_verified, bool>,
    Eq<users::email_verification_token, &'a Option<Secret<String>>>,
    Eq<users::email_verification_token_expiry, Option<Timestamp>>,
    Eq<users::auth_token, &'a Option<Secret<String>>>,
    Eq<users::token_expiry, Option<Timestamp>>,
    Eq<users::created_at, Timestamp>,
    Eq<users::updated_at, Timestamp>,
);

impl<'a> Insertable<users::table> for &'a NewUser {
    type Values = <Row<'a> as Insertable<users::table>>::Values;

    fn values(self) -> Self::Values {
        let created_at = self.created_at.unwrap_or_else(Timestamp::now);
        let row: Row<'a> = (
            users::username.eq(&self.username),
            users::email.eq(&self.email),
            users::password.eq(&self.password),
            users::is_active.eq(self.is_active),
            users::is_email_verified.eq(self.is_email_verified),
            users::email_verification_token.eq(&self.email_verification_token),
            users::email_verification_token_expiry.eq(self.email_verification_token_expiry),
            users::auth_token.eq(&self.auth_token),
            users::token_expiry.eq(self.token_expiry),
            users::created_at.eq(created_at),
            users::updated_at.eq(self.updated_at.unwrap_or(created_at)),
        );
        row.values()
    }
}

// Diesel's derive says so of its types: many of them are inserted by one statement.
impl UndecoratedInsertRecord<users::table> for NewUser {}
