//! [`User`] and [`UserChanges`].

use diesel::prelude::*;

use super::schema::users;
use super::{Password, UserId};
use crate::value::{Secret, Timestamp};

/// A user as stored.
///
/// Password and tokens print and serialize as `***`.
///
/// ```
/// # fn load(conn: &mut diesel::SqliteConnection) -> diesel::QueryResult<()> {
/// use diesel::prelude::*;
/// use lback::{User, schema::users};
///
/// let active: Vec<User> = users::table
///     .filter(users::is_active.eq(true))
///     .select(User::as_select())
///     .load(conn)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = users)]
pub struct User {
    /// The key, given by the database.
    pub id: UserId,
    /// Unique, compared byte for byte.
    pub username: String,
    /// Unique, compared byte for byte.
    pub email: String,
    /// The hash; [`Password::verify`] is what it is for.
    pub password: Password,
    /// Whether the user may log in.
    pub is_active: bool,
    /// Whether the address has been proved to be the user's.
    pub is_email_verified: bool,
    /// Sent to the address, to prove it.
    pub email_verification_token: Option<Secret<String>>,
    /// Until when that token counts; without it, it never does.
    pub email_verification_token_expiry: Option<Timestamp>,
    /// Identifies the user's requests.
    pub auth_token: Option<Secret<String>>,
    /// Until when that token counts; without it, for ever.
    pub token_expiry: Option<Timestamp>,
    /// When the row was inserted.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// What an update changes: `None` leaves a column as it is.
///
/// For a column that may be empty, `Some(None)` empties it. What is refused and what is trimmed is
/// the same as for [`NewUser`](super::NewUser).
///
/// ```
/// use lback::{Password, UserChanges};
///
/// let log_out_everywhere = UserChanges {
///     password: Some(Password::new("a new and longer one")?),
///     auth_token: Some(None),
///     ..UserChanges::default()
/// };
/// # assert!(!log_out_everywhere.is_empty());
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = false)]
pub struct UserChanges {
    /// See [`User::username`].
    pub username: Option<String>,
    /// See [`User::email`].
    pub email: Option<String>,
    /// Made by [`Password::new`] before the update begins, so that nobody waits for the hashing.
    pub password: Option<Password>,
    /// See [`User::is_active`].
    pub is_active: Option<bool>,
    /// See [`User::is_email_verified`].
    pub is_email_verified: Option<bool>,
    /// See [`User::email_verification_token`].
    pub email_verification_token: Option<Option<Secret<String>>>,
    /// See [`User::email_verification_token_expiry`].
    pub email_verification_token_expiry: Option<Option<Timestamp>>,
    /// See [`User::auth_token`].
    pub auth_token: Option<Option<Secret<String>>>,
    /// See [`User::token_expiry`].
    pub token_expiry: Option<Option<Timestamp>>,
    /// See [`User::created_at`].
    pub created_at: Option<Timestamp>,
    /// `None` becomes the instant of the update if anything else changes.
    pub updated_at: Option<Timestamp>,
}

impl UserChanges {
    /// Whether nothing would change.
    ///
    /// ```
    /// use lback::UserChanges;
    ///
    /// assert!(UserChanges::default().is_empty());
    /// assert!(!UserChanges { auth_token: Some(None), ..UserChanges::default() }.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        // Names every field, so that a new one is not forgotten here.
        let Self {
            username,
            email,
            password,
            is_active,
            is_email_verified,
            email_verification_token,
            email_verification_token_expiry,
            auth_token,
            token_expiry,
            created_at,
            updated_at,
        } = self;
        username.is_none()
            && email.is_none()
            && password.is_none()
            && is_active.is_none()
            && is_email_verified.is_none()
            && email_verification_token.is_none()
            && email_verification_token_expiry.is_none()
            && auth_token.is_none()
            && token_expiry.is_none()
            && created_at.is_none()
            && updated_at.is_none()
    }
}
