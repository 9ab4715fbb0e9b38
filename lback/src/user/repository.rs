//! The repository of the built-in users, made once per database by the public macro.

use super::{User, UserId};
use crate::repository::{AsKey, ByKey, Entity};

impl Entity for User {
    type Key = UserId;
    const NAME: &'static str = "user";

    fn key(&self) -> UserId {
        self.id
    }
}

impl AsKey<User, ByKey> for UserId {
    fn as_key(&self) -> UserId {
        *self
    }
}

/// `term` as a pattern for LIKE that finds it anywhere, with `!` as the escape character.
pub(crate) fn pattern(term: &str) -> String {
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for character in term.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Whether no row holds `text`: validation refuses NUL, and PostgreSQL refuses to look for it, which
/// would abort the caller's transaction.
pub(crate) fn is_never_stored(text: &str) -> bool {
    text.contains('\0')
}

/// Declares `UserRepository`, its signals and its look-ups for one connection.
#[rustfmt::skip] // it moves the attribute to the right, further at every run
macro_rules! user_repository {
    ($connection:ident, $name:literal) => {
        #[doc = concat!("The users of a database: six signals around its writes, on ", $name, ".")]
        ///
        /// Writes and `find` are those of [`Repository`](crate::Repository).
        #[crate::repository(
            entity = User,
            table = users,
            insert = NewUser,
            update = UserChanges,
            connection = $connection,
            shared_entity
        )]
        #[derive(Clone, Debug, Default)]
        #[non_exhaustive]
        pub struct UserRepository {}

        pub use crate::user::schema::users;
        pub use crate::user::{NewUser, Password, User, UserChanges, UserId};
        pub use crate::value::Token;

        const _: () = {
            use diesel::prelude::*;

            use crate::Page;
            use crate::user::{is_never_stored, pattern};
            use crate::value::{Secret, Timestamp};

            impl UserRepository {
                /// A repository.
                pub const fn new() -> Self {
                    Self {}
                }

                /// The user with this name, compared byte for byte.
                pub fn find_by_username(
                    &self,
                    session: &mut Session,
                    username: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(username) {
                        return session.check_usable().map(|()| None);
                    }
                    session.look_up(|conn| {
                        users::table
                            .filter(users::username.eq(username))
                            .select(User::as_select())
                            .get_result(conn)
                            .optional()
                    })
                }

                /// The user with this address, compared byte for byte.
                pub fn find_by_email(
                    &self,
                    session: &mut Session,
                    email: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(email) {
                        return session.check_usable().map(|()| None);
                    }
                    session.look_up(|conn| {
                        users::table
                            .filter(users::email.eq(email))
                            .select(User::as_select())
                            .get_result(conn)
                            .optional()
                    })
                }

                /// The user whose `auth_token` this is, unless it has expired. A token without an
                /// expiry counts for ever.
                pub fn find_by_auth_token(
                    &self,
                    session: &mut Session,
                    token: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(token) {
                        return session.check_usable().map(|()| None);
                    }
                    let token = Secret::from(token);
                    let now = Timestamp::now();
                    session.look_up(|conn| {
                        users::table
                            .filter(users::auth_token.eq(Some(&token)))
                            .filter(
                                users::token_expiry
                                    .is_null()
                                    .or(users::token_expiry.gt(now)),
                            )
                            .order(users::id)
                            .select(User::as_select())
                            .load(conn)
                            .map(|found| found.into_iter().next())
                    })
                }

                /// The user whose `email_verification_token` this is, unless it has expired. A
                /// token without an expiry does not count.
                pub fn find_by_verification_token(
                    &self,
                    session: &mut Session,
                    token: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(token) {
                        return session.check_usable().map(|()| None);
                    }
                    let token = Secret::from(token);
                    let now = Timestamp::now();
                    session.look_up(|conn| {
                        users::table
                            .filter(users::email_verification_token.eq(Some(&token)))
                            .filter(users::email_verification_token_expiry.gt(now))
                            .order(users::id)
                            .select(User::as_select())
                            .load(conn)
                            .map(|found| found.into_iter().next())
                    })
                }

                /// The users whose name or address contains `term`, by key. `%` and `_` stand for
                /// themselves; upper and lower case are the database's affair.
                pub fn search(
                    &self,
                    session: &mut Session,
                    term: &str,
                    page: Page,
                ) -> Result<Vec<User>> {
                    if is_never_stored(term) {
                        return session.check_usable().map(|()| Vec::new());
                    }
                    let pattern = pattern(term);
                    session.look_up(|conn| {
                        users::table
                            .filter(
                                users::username
                                    .like(&pattern)
                                    .escape('!')
                                    .or(users::email.like(&pattern).escape('!')),
                            )
                            .order(users::id)
                            .limit(page.limit())
                            .offset(page.offset())
                            .select(User::as_select())
                            .load(conn)
                    })
                }

                /// The user with this name and password, if there is one and it is active.
                ///
                /// An unknown name takes as long as a wrong password, so that the answer's time
                /// does not tell which names exist. Afterwards
                /// [`Password::needs_rehash`](crate::Password::needs_rehash) says whether the hash
                /// should be made anew.
                ///
                /// # Errors
                ///
                /// [`Error::Database`](crate::Error::Database), and
                /// [`Error::Password`](crate::Error::Password) if the stored hash cannot be
                /// compared.
                pub fn authenticate(
                    &self,
                    session: &mut Session,
                    username: &str,
                    password: &str,
                ) -> Result<Option<User>> {
                    let Some(user) = self.find_by_username(session, username)? else {
                        Password::dummy_verify(password);
                        return Ok(None);
                    };
                    let matches = user.password.verify(password)?.is_match();
                    Ok((matches && user.is_active).then_some(user))
                }
            }
        };
    };
}

pub(crate) use user_repository;
