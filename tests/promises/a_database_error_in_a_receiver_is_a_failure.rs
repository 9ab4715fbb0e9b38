//! What a receiver passes on with `?` is `ReceiverFailed`, not a veto and not the operation's own
//! error, and `is_retryable` looks through it.

use std::error::Error as StdError;
use std::fmt;

use crate::database::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

use super::a_veto_is_found_inside_other_errors::{Named, Nested, Query, Shared, Told, Transparent};

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

macro_rules! wrappers {
    ($($name:ident: $error:ty,)*) => {
        $(
            #[receiver(user_post_create)]
            fn $name(user: &User) -> Result<(), $error> {
                match user.username.split_once('/') {
                    Some((stringify!($name), "busy")) => Err(busy())?,
                    Some((stringify!($name), "serialize")) => Err(not_serializable())?,
                    Some((stringify!($name), "missing")) => Err(DieselError::NotFound)?,
                    _ => Ok(()),
                }
            }
        )*

        const WRAPPERS: &[&str] = &[$(stringify!($name)),*];
    };
}

wrappers! {
    diesel_error: DieselError,
    lback_error: Error,
    boxed: BoxError,
    anyhow_error: anyhow::Error,
    eyre_report: eyre::Report,
    transparent: Transparent,
    nested_transparent: Nested,
    named: Named,
    told: Told,
    shared: Shared,
    query_error: Query,
}

fn not_serializable() -> DieselError {
    let text = "no words by which anybody could know it, and a \" in them";
    DieselError::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new(text.to_owned()),
    )
}

/// Passes the error of an operation further in on, each in a wrapper of its own.
macro_rules! hosts {
    ($($name:ident: $error:ty,)*) => {
        $(
            #[receiver(user_post_create)]
            fn $name(user: &User, session: &mut Session) -> Result<(), $error> {
                if let Some((stringify!($name), guest)) = user.username.split_once('+') {
                    Users.create(session, new_user(guest))?;
                }
                Ok(())
            }
        )*

        const HOSTS: &[&str] = &[$(stringify!($name)),*];
    };
}

hosts! {
    diesel_host: DieselError,
    lback_host: Error,
    anyhow_host: anyhow::Error,
    eyre_host: eyre::Report,
    transparent_host: Transparent,
    nested_host: Nested,
    named_host: Named,
    told_host: Told,
    shared_host: Shared,
}

/// Words alone are not enough.
#[receiver(user_post_create)]
fn say(user: &User) -> anyhow::Result<()> {
    match user.username.as_str() {
        "says busy" => Err(anyhow::anyhow!("{}", busy())),
        "says how" => Err(anyhow::anyhow!("{:?}", not_serializable())),
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

#[test]
fn in_whatever_error_it_is_passed_on() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut check = |name: &str, is_retryable: bool| {
        let error = Users
            .create(&mut session, new_user(name))
            .expect_err("a receiver fails");
        let is_failure = matches!(error, Error::ReceiverFailed { .. });
        assert!(is_failure, "{name}: {error:?}");
        assert_eq!(error.is_retryable(), is_retryable, "{name}: {error:?}");
    };
    for wrapper in WRAPPERS {
        check(&format!("{wrapper}/busy"), true);
        check(&format!("{wrapper}/serialize"), true);
        check(&format!("{wrapper}/missing"), false);
        for host in HOSTS {
            check(&format!("{host}+{wrapper}/serialize"), true);
            check(&format!("{host}+{wrapper}/missing"), false);
        }
    }
    let hosts: String = HOSTS.iter().map(|host| format!("{host}+")).collect();
    check(&format!("{hosts}transparent/serialize"), true);
    check(&format!("{hosts}transparent/missing"), false);
    check("says busy", false);
    check("says how", false);
}

/// Only the whole transaction can be run again, and so it is.
#[test]
fn and_is_tried_again() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for name in [
        "anyhow_error/busy",
        "nested_host+shared_host+transparent/busy",
    ] {
        let mut attempts = 0;
        let failed = session.transaction_with_retries(3, |session| {
            attempts += 1;
            Users.create(session, new_user(name))
        });
        assert!(failed.is_err());
        assert_eq!(attempts, 3, "{name}");
    }
    assert_eq!(count("users", &mut session), 0);
}
