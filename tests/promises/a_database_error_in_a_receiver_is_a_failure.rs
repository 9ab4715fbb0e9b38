//! What a receiver passes on with `?` is `ReceiverFailed`, not a veto and not the operation's own
//! error, and `is_retryable` looks through it.

use std::error::Error as StdError;
use std::fmt;

use crate::database::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

own_users!();

#[derive(Debug)]
struct Context(BoxError);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the quota could not be read")
    }
}

impl StdError for Context {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.as_ref())
    }
}

fn busy() -> DieselError {
    // What each database says when another one is in the way.
    let text = match NAME {
        "SQLite" => "database is locked",
        "PostgreSQL" => "deadlock detected",
        _ => "Deadlock found when trying to get lock; try restarting transaction",
    };
    DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(text.to_owned()))
}

#[receiver(user_post_create)]
fn query(user: &User, conn: &mut Native) -> QueryResult<()> {
    match user.username.as_str() {
        "typo" => diesel::sql_query("SELECT nothing FROM nowhere")
            .execute(conn)
            .map(drop),
        "busy" => Err(busy()),
        "missing" => Err(DieselError::NotFound),
        _ => Ok(()),
    }
}

#[receiver(user_post_create)]
fn query_with_context(user: &User) -> Result<(), Context> {
    match user.username.as_str() {
        "busy in context" => Err(Context(busy().into())),
        "busy in two" => Err(Context(Context(busy().into()).into())),
        "lame in context" => Err(Context("no more coffee".into())),
        _ => Ok(()),
    }
}

#[receiver(user_post_create)]
fn nest(user: &User, session: &mut Session) -> lback::Result<()> {
    match user.username.strip_prefix("nested ") {
        Some(inner) => Users.create(session, new_user(inner)).map(drop),
        None => Ok(()),
    }
}

#[test]
fn and_says_whether_it_may_go_away() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for (name, is_retryable) in [
        ("typo", false),
        ("missing", false),
        ("busy", true),
        ("busy in context", true),
        ("busy in two", true),
        ("lame in context", false),
        ("nested busy in context", true),
        ("nested lame in context", false),
    ] {
        let error = Users
            .create(&mut session, new_user(name))
            .expect_err("a receiver fails");
        assert!(
            matches!(error, Error::ReceiverFailed { .. }),
            "{name}: {error:?}"
        );
        assert_eq!(error.is_retryable(), is_retryable, "{name}: {error:?}");
        assert_eq!(count("users", &mut session), 0, "{name}");
    }
}
