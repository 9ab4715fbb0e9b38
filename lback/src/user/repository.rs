//! The repository of the built-in users, made once per database by the public macro.

use super::{User, UserId};
use crate::repository::{AsKey, ByKey, Entity, One};

impl Entity for User {
    type Key = UserId;
    type Form = One;
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

/// Declares `UserRepository`, its signals and its look-ups for one connection.
#[rustfmt::skip] // it moves the attribute to the right, further at every run
macro_rules! user_repository {
    ($connection:ident, $name:literal) => {
        #[doc = concat!("The users of a database: seven signals around its writes, on ", $name, ".")]
        ///
        /// Writes and `find` are those of [`Repository`](crate::Repository).
        #[crate::repository(
            entity = User,
            table = users,
            insert = NewUser,
            update = UserChanges,
            connection = $connection,
            shared_entity,
            changes
        )]
        #[derive(Clone, Debug, Default)]
        #[non_exhaustive]
        pub struct UserRepository {}

        pub use crate::user::schema::users;
        pub use crate::user::{NewUser, Password, User, UserChanges, UserId};

        const _: () = {
            use diesel::prelude::*;

            use crate::user::look_up::*;
            use crate::value::Secret;
            use crate::{Error, Page, Repository};

            impl UserRepository {
                /// A repository.
                pub const fn new() -> Self {
                    Self {}
                }

                /// The user with this name, compared byte for byte, whatever the column's collation.
                pub fn find_by_username(
                    &self,
                    session: &mut Session,
                    username: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(username) {
                        return session.check_usable().map(|()| None);
                    }
                    let found = nothing_beyond_its_characters(session.look_up(|conn| {
                        users::table
                            .filter(users::username.eq(username))
                            .filter(same_bytes(users::username, username))
                            .select(User::as_select())
                            .get_result(conn)
                            .optional()
                    }));
                    let found = self.or_unreadable(session, found, |conn| {
                        users::table
                            .filter(users::username.eq(username))
                            .select(users::id)
                            .load(conn)
                    })?;
                    Ok(found.filter(|user| user.username == username))
                }

                /// The user with this address, compared byte for byte, whatever the column's
                /// collation.
                pub fn find_by_email(
                    &self,
                    session: &mut Session,
                    email: &str,
                ) -> Result<Option<User>> {
                    if is_never_stored(email) {
                        return session.check_usable().map(|()| None);
                    }
                    let found = nothing_beyond_its_characters(session.look_up(|conn| {
                        users::table
                            .filter(users::email.eq(email))
                            .filter(same_bytes(users::email, email))
                            .select(User::as_select())
                            .get_result(conn)
                            .optional()
                    }));
                    let found = self.or_unreadable(session, found, |conn| {
                        users::table
                            .filter(users::email.eq(email))
                            .select(users::id)
                            .load(conn)
                    })?;
                    Ok(found.filter(|user| user.email == email))
                }

                /// The user whose `auth_token` this is, compared byte for byte, unless it has expired.
                /// A token without an expiry counts for ever, one whose expiry cannot be read has
                /// expired, and the empty text is no token.
                pub fn find_by_auth_token(
                    &self,
                    session: &mut Session,
                    token: &str,
                ) -> Result<Option<User>> {
                    if is_never_a_token(token) {
                        return session.check_usable().map(|()| None);
                    }
                    let token = Secret::from(token);
                    let found = nothing_beyond_its_characters(session.look_up(|conn| {
                        users::table
                            .filter(users::auth_token.eq(Some(&token)))
                            .filter(same_bytes(users::auth_token, &token))
                            .order(users::id)
                            .select(User::as_select())
                            .load(conn)
                    }));
                    match found {
                        // Times are compared here: a database may hold them as texts of any form.
                        Ok(found) => Ok(found.into_iter().find(|user| {
                            user.auth_token.as_ref() == Some(&token)
                                && Expiry::from(user.token_expiry).is_to_come(true)
                        })),
                        Err(error) if is_of_a_row(&error) => {
                            let rows = session.look_up(|conn| {
                                users::table
                                    .filter(users::auth_token.eq(Some(&token)))
                                    .filter(same_bytes(users::auth_token, &token))
                                    .order(users::id)
                                    .select((users::id, users::token_expiry))
                                    .load::<(UserId, Expiry)>(conn)
                            })?;
                            let counts = rows.into_iter().find(|row| row.1.is_to_come(true));
                            counts.map_or(Ok(None), |(id, _)| self.find(session, id))
                        }
                        Err(error) => Err(error),
                    }
                }

                /// The user whose `email_verification_token` this is, compared byte for byte, unless
                /// it has expired. A token without an expiry, or with one that cannot be read, does
                /// not count, and the empty text is no token.
                pub fn find_by_verification_token(
                    &self,
                    session: &mut Session,
                    token: &str,
                ) -> Result<Option<User>> {
                    if is_never_a_token(token) {
                        return session.check_usable().map(|()| None);
                    }
                    let token = Secret::from(token);
                    let found = nothing_beyond_its_characters(session.look_up(|conn| {
                        users::table
                            .filter(users::email_verification_token.eq(Some(&token)))
                            .filter(same_bytes(users::email_verification_token, &token))
                            .order(users::id)
                            .select(User::as_select())
                            .load(conn)
                    }));
                    match found {
                        Ok(found) => Ok(found.into_iter().find(|user| {
                            user.email_verification_token.as_ref() == Some(&token)
                                && Expiry::from(user.email_verification_token_expiry)
                                    .is_to_come(false)
                        })),
                        Err(error) if is_of_a_row(&error) => {
                            let rows = session.look_up(|conn| {
                                users::table
                                    .filter(users::email_verification_token.eq(Some(&token)))
                                    .filter(same_bytes(users::email_verification_token, &token))
                                    .order(users::id)
                                    .select((users::id, users::email_verification_token_expiry))
                                    .load::<(UserId, Expiry)>(conn)
                            })?;
                            let counts = rows.into_iter().find(|row| row.1.is_to_come(false));
                            counts.map_or(Ok(None), |(id, _)| self.find(session, id))
                        }
                        Err(error) => Err(error),
                    }
                }

                /// The users whose name or address contains `term`, by key. `%` and `_` stand for
                /// themselves; upper and lower case are the database's affair. A term of tens of
                /// thousands of characters finds nothing.
                ///
                /// # Errors
                ///
                /// [`Error::Unreadable`], with the key of the row; [`search_each`](Self::search_each)
                /// goes on.
                pub fn search(
                    &self,
                    session: &mut Session,
                    term: &str,
                    page: Page,
                ) -> Result<Vec<User>> {
                    let Some(pattern) = pattern(term).filter(|_| !is_never_stored(term)) else {
                        return session.check_usable().map(|()| Vec::new());
                    };
                    let found = nothing_beyond_its_characters(session.look_up(|conn| {
                        users::table
                            .filter(
                                like(users::username, &pattern).or(like(users::email, &pattern)),
                            )
                            .order(users::id)
                            .limit(page.limit())
                            .offset(page.offset())
                            .select(User::as_select())
                            .load(conn)
                    }));
                    self.or_unreadable(session, found, |conn| keys_like(conn, &pattern, page))
                }

                /// As [`search`](Self::search); a row that cannot be read is an error in its place, and
                /// the others come.
                pub fn search_each(
                    &self,
                    session: &mut Session,
                    term: &str,
                    page: Page,
                ) -> Result<Vec<Result<User>>> {
                    match self.search(session, term, page) {
                        Ok(found) => Ok(found.into_iter().map(Ok).collect()),
                        Err(Error::Unreadable { .. }) => {
                            let pattern = pattern(term).unwrap_or_default();
                            let keys = session.look_up(|conn| keys_like(conn, &pattern, page))?;
                            self.each(session, keys)
                        }
                        Err(error) => Err(error),
                    }
                }

                /// The users by key, a page of them.
                ///
                /// # Errors
                ///
                /// [`Error::Unreadable`], with the key of the row; [`list_each`](Self::list_each) goes
                /// on.
                pub fn list(&self, session: &mut Session, page: Page) -> Result<Vec<User>> {
                    let found = Repository::list(self, session, page);
                    self.or_unreadable(session, found, |conn| keys(conn, page))
                }

                /// As [`list`](Self::list); a row that cannot be read, such as one with PostgreSQL's
                /// `infinity` or MySQL's `0000-00-00` for a time, is an error in its place, and the
                /// others come.
                pub fn list_each(
                    &self,
                    session: &mut Session,
                    page: Page,
                ) -> Result<Vec<Result<User>>> {
                    match self.list(session, page) {
                        Ok(found) => Ok(found.into_iter().map(Ok).collect()),
                        Err(Error::Unreadable { .. }) => {
                            let keys = session.look_up(|conn| keys(conn, page))?;
                            self.each(session, keys)
                        }
                        Err(error) => Err(error),
                    }
                }

                /// The users with whose password nobody can log in, by key: see
                /// [`Password::is_usable`]. Every row of the table is looked at.
                pub fn list_unusable_passwords(
                    &self,
                    session: &mut Session,
                    page: Page,
                ) -> Result<Vec<User>> {
                    const AT_ONCE: i64 = 1_000;
                    let (mut last, mut keys) = (None::<UserId>, Vec::new());
                    let most = page.offset().saturating_add(page.limit());
                    let most = usize::try_from(most).unwrap_or(usize::MAX);
                    while keys.len() < most {
                        let rows: Vec<(UserId, Password)> = session.look_up(|conn| {
                            users::table
                                .filter(users::id.gt(last.unwrap_or(UserId::from(i64::MIN))))
                                .order(users::id)
                                .limit(AT_ONCE)
                                .select((users::id, users::password))
                                .load(conn)
                        })?;
                        let Some((key, _)) = rows.last() else { break };
                        last = Some(*key);
                        let unusable = rows.iter().filter(|(_, password)| !password.is_usable());
                        keys.extend(unusable.map(|(key, _)| *key));
                    }
                    keys.truncate(most);
                    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
                    let users = self.find_many(session, keys.into_iter().skip(offset))?;
                    Ok(users.into_iter().flatten().collect())
                }

                /// The user with this name and password, if there is one and it is active.
                ///
                /// An unknown name, and one whose stored hash is unusable, take as long as a wrong
                /// password, so that the answer's time does not tell which names exist; a hash that is
                /// not of the default hasher takes as long as it takes. Afterwards
                /// [`Password::needs_rehash`](crate::Password::needs_rehash) says whether the hash
                /// should be made anew.
                ///
                /// # Errors
                ///
                /// [`Error::Database`](crate::Error::Database), and
                /// [`Error::Password`](crate::Error::Password) if there is no memory to compare with.
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
                    let matches = user.password.lets_in(password)?;
                    Ok((matches && user.is_active).then_some(user))
                }

                /// Names the row, of those with these keys, because of which a query failed.
                fn or_unreadable<T>(
                    &self,
                    session: &mut Session,
                    found: Result<T>,
                    keys: impl FnOnce(&mut $connection) -> QueryResult<Vec<UserId>>,
                ) -> Result<T> {
                    let error = match found {
                        Err(error) if is_of_a_row(&error) => error,
                        found => return found,
                    };
                    let keys = session.look_up(keys)?;
                    let named = keys.into_iter().find_map(|key| self.find(session, key).err());
                    Err(named.unwrap_or(error))
                }

                fn each(
                    &self,
                    session: &mut Session,
                    keys: Vec<UserId>,
                ) -> Result<Vec<Result<User>>> {
                    let mut users = Vec::with_capacity(keys.len());
                    for key in keys {
                        match self.find(session, key) {
                            Ok(user) => users.extend(user.map(Ok)),
                            Err(error @ Error::Unreadable { .. }) => users.push(Err(error)),
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(users)
                }
            }

            fn keys(conn: &mut $connection, page: Page) -> QueryResult<Vec<UserId>> {
                users::table
                    .order(users::id)
                    .limit(page.limit())
                    .offset(page.offset())
                    .select(users::id)
                    .load(conn)
            }

            fn keys_like(
                conn: &mut $connection,
                pattern: &str,
                page: Page,
            ) -> QueryResult<Vec<UserId>> {
                users::table
                    .filter(like(users::username, pattern).or(like(users::email, pattern)))
                    .order(users::id)
                    .limit(page.limit())
                    .offset(page.offset())
                    .select(users::id)
                    .load(conn)
            }
        };
    };
}

pub(crate) use user_repository;
