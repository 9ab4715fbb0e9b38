//! Whatever error carries a veto, and from however deep: the caller gets `Vetoed`, with what was
//! said and by whom. Each wrapper below is tried alone and around the error of an operation that a
//! receiver with another wrapper refused, and each with two others.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::database::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

own_users!();

/// Passes on text and source of what is inside, so that the sources lead past it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Transparent {
    #[error(transparent)]
    Veto(#[from] Veto),
    #[error(transparent)]
    Lback(#[from] Error),
    #[error(transparent)]
    Diesel(#[from] DieselError),
    #[error(transparent)]
    Any(#[from] anyhow::Error),
    #[error(transparent)]
    Report(#[from] eyre::Report),
    #[error(transparent)]
    Boxed(#[from] BoxError),
}

/// Two of them, and `anyhow` in between.
#[derive(Debug, thiserror::Error)]
pub(super) enum Nested {
    #[error(transparent)]
    Inner(anyhow::Error),
}

impl<E: Into<Transparent>> From<E> for Nested {
    fn from(error: E) -> Self {
        Self::Inner(anyhow::Error::new(error.into()))
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Named {
    #[error("a veto")]
    Veto(#[from] Veto),
    #[error("an operation")]
    Lback(#[from] Error),
    #[error("a statement")]
    Diesel(#[from] DieselError),
}

/// Tells its cause in its text, and not as its source.
#[derive(Debug, thiserror::Error)]
pub(super) enum Told {
    #[error("not allowed: {0}")]
    Veto(Veto),
    #[error("not done: {0}")]
    Lback(Error),
    #[error("not written: {0}")]
    Diesel(DieselError),
}

/// `io::Error` and `Arc` pass on their source as well.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Shared(Arc<io::Error>);

/// Diesel's own error passes on the source of what it holds boxed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Query(DieselError);

macro_rules! from {
    ($($cause:ty => $wrapper:ident, $wrap:expr;)*) => {
        $(
            impl From<$cause> for $wrapper {
                fn from(cause: $cause) -> Self {
                    $wrap(cause)
                }
            }
        )*
    };
}

from! {
    Veto => Told, Told::Veto;
    Error => Told, Told::Lback;
    DieselError => Told, Told::Diesel;
    Veto => Shared, |cause| Shared(Arc::new(io::Error::other(cause)));
    Error => Shared, |cause| Shared(Arc::new(io::Error::other(cause)));
    DieselError => Shared, |cause| Shared(Arc::new(io::Error::other(cause)));
    Veto => Query, |cause| Query(Error::from(cause).into());
    Error => Query, |cause: Error| Query(cause.into());
    DieselError => Query, Query;
}

fn veto() -> Veto {
    Veto::new("not this one").field("username")
}

/// What is wrapped: a veto, or the error of an operation further in.
fn provoke(me: &str, data: &NewUser, session: &mut Session) -> Result<(), Cause> {
    match data.username.split_once('/') {
        Some((wrapper, "veto")) if wrapper == me => Err(Cause::Veto(veto())),
        Some((wrapper, inner)) if wrapper == me => {
            Users.create(session, new_user(inner)).map(drop)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

enum Cause {
    Veto(Veto),
    Lback(Error),
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Lback(error)
    }
}

macro_rules! wrappers {
    ($($name:ident: $error:ty,)*) => {
        $(
            #[receiver(user_pre_create)]
            fn $name(data: &NewUser, session: &mut Session) -> Result<(), $error> {
                match provoke(stringify!($name), data, session) {
                    Ok(()) => Ok(()),
                    Err(Cause::Veto(veto)) => Err(veto)?,
                    Err(Cause::Lback(error)) => Err(error)?,
                }
            }
        )*

        const WRAPPERS: &[&str] = &[$(stringify!($name)),*, "anyhow_context", "eyre_context"];
    };
}

wrappers! {
    lback_error: Error,
    boxed: BoxError,
    anyhow_error: anyhow::Error,
    eyre_report: eyre::Report,
    transparent: Transparent,
    nested: Nested,
    named: Named,
    told: Told,
    shared: Shared,
    query: Query,
}

#[receiver(user_pre_create)]
fn anyhow_context(data: &NewUser, session: &mut Session) -> anyhow::Result<()> {
    match provoke("anyhow_context", data, session) {
        Ok(()) => Ok(()),
        Err(Cause::Veto(veto)) => Err(anyhow::Error::new(veto).context("inner").context("outer")),
        Err(Cause::Lback(error)) => {
            Err(anyhow::Error::new(error).context("inner").context("outer"))
        }
    }
}

#[receiver(user_pre_create)]
fn eyre_context(data: &NewUser, session: &mut Session) -> eyre::Result<()> {
    match provoke("eyre_context", data, session) {
        Ok(()) => Ok(()),
        Err(Cause::Veto(veto)) => Err(eyre::Report::new(veto).wrap_err("inner").wrap_err("outer")),
        Err(Cause::Lback(error)) => {
            Err(eyre::Report::new(error).wrap_err("inner").wrap_err("outer"))
        }
    }
}

fn refusal(name: &str) -> Option<Error> {
    let database = Database::fresh()?;
    let mut session = database.session();
    let refused = Users.create(&mut session, new_user(name));
    assert_eq!(count("users", &mut session), 0);
    Some(refused.expect_err("it is refused"))
}

#[track_caller]
fn assert_vetoed(error: &Error, by: &str) {
    let Error::Vetoed {
        receiver,
        message,
        field,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(message, "not this one", "{error:?}");
    assert_eq!(field.as_deref(), Some("username"), "{error:?}");
    assert!(receiver.id.ends_with(by), "{by}: {}", receiver.id);
    let text = format!("{:#}", anyhow::Error::msg(format!("{error:#}")));
    assert_eq!(text.matches("not this one").count(), 1, "{text}");
}

#[test]
fn of_a_receiver_and_of_operations_further_in() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut refuse = |name: &str, by: &str| {
        let refused = Users.create(&mut session, new_user(name));
        assert_vetoed(&refused.expect_err(name), by);
    };
    for &inner in WRAPPERS {
        refuse(&format!("{inner}/veto"), inner);
        for &outer in WRAPPERS {
            refuse(&format!("{outer}/{inner}/veto"), inner);
            for between in ["transparent", "anyhow_error", "eyre_context"] {
                refuse(&format!("{outer}/{between}/{inner}/veto"), inner);
            }
        }
    }
    refuse(
        &format!("{}veto", "shared/nested/query/".repeat(4)),
        "::query",
    );
    assert_eq!(count("users", &mut session), 0);
}

/// The text of an error tells on which way the veto came out, and its source what is below.
#[test]
fn with_what_was_said_on_the_way() {
    let place = "::promises::a_veto_is_found_inside_other_errors::";
    for (name, way) in [
        ("anyhow_error/veto", "username: not this one"),
        ("transparent/veto", "username: not this one"),
        ("named/veto", "a veto: username: not this one"),
        ("told/veto", "not allowed: username: not this one"),
        ("eyre_context/veto", "outer: inner: username: not this one"),
        ("transparent/named/veto", "a veto: username: not this one"),
        (
            "named/transparent/veto",
            "an operation: username: not this one",
        ),
    ] {
        let Some(error) = refusal(name) else {
            return;
        };
        let text = error.to_string();
        assert!(text.contains(place), "{text}");
        assert!(text.ends_with(&format!("): {way}")), "{name}: {text}");
        assert!(error.source().is_none(), "{name}: {error:?}");
    }
}

#[derive(Debug)]
struct Below(&'static str, BoxError);

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Below {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.1.as_ref())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the guest was refused ({refused}), and the apology was lost")]
struct Apology {
    refused: Error,
    #[source]
    lost: io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Text(String);

#[receiver(user_pre_create)]
fn answer(data: &NewUser, session: &mut Session) -> Result<(), BoxError> {
    let mut refused = || {
        Users
            .create(session, new_user("anyhow_error/veto"))
            .unwrap_err()
    };
    match data.username.as_str() {
        "no veto" => Err(Below("outer", "no veto at all".into()).into()),
        "its text" => Err(Text(refused().to_string()).into()),
        "its words" => Err(Text(veto().to_string()).into()),
        "in a string" => Err(refused().to_string().into()),
        "in anyhow's text" => Err(anyhow::anyhow!("{}", refused()).into()),
        "beside another" => {
            let (refused, lost) = (refused(), io::Error::other("no route"));
            Err(Apology { refused, lost }.into())
        }
        "two of them" => Err(anyhow::Error::new(TwoOfThem(refused(), refused())).into()),
        "as a cause is given" => Err(anyhow::Error::msg("the disk is full")
            .context(veto())
            .into()),
        "panics" => Err(Panics.into()),
        _ => Ok(()),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("one: {0}; the other: {1}")]
struct TwoOfThem(Error, Error);

#[derive(Debug)]
struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it cannot be printed")
    }
}

impl StdError for Panics {}

/// A veto that a receiver took, and answered with another error, is not the operation's.
#[test]
fn and_an_error_without_one_is_a_failure() {
    for name in [
        "no veto",
        "its text",
        "its words",
        "in a string",
        "in anyhow's text",
        "beside another",
        "two of them",
        "panics",
    ] {
        let Some(error) = refusal(name) else {
            return;
        };
        let Error::ReceiverFailed { receiver, .. } = &error else {
            panic!("{name}: {error}");
        };
        assert!(receiver.id.ends_with("::answer"), "{}", receiver.id);
    }
}

#[test]
fn with_the_causes_that_are_below_it() {
    let Some(error) = refusal("as a cause is given") else {
        return;
    };
    assert_vetoed(&error, "::answer");
    let below = error.source().expect("it has a cause");
    assert_eq!(below.to_string(), "the disk is full");
}

/// A function that returns `lback::Result` refuses as a receiver does; and where no receiver is,
/// the caller of the transaction is told.
#[test]
fn outside_of_a_receiver_it_is_an_error_that_says_so() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let refused: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Err(veto())?;
        Ok(())
    });
    let error = refused.expect_err("it is refused");
    assert_eq!(error.to_string(), "refused: username: not this one");
    assert!(matches!(error, Error::Refused(it) if it == veto()));
    assert_eq!(count("users", &mut session), 0);
}

/// Where an error of Diesel's is asked for, it may hold any other.
#[test]
fn in_what_an_error_of_diesels_holds() {
    let held = |error: BoxError| DieselError::QueryBuilderError(error);
    let again = || {
        let kind = DatabaseErrorKind::SerializationFailure;
        held(DieselError::DatabaseError(kind, Box::new("once more".to_owned())).into())
    };
    assert!(lback::Retryable::is_retryable(&anyhow::Error::new(again())));
    assert!(Error::from(again()).is_retryable());

    let Some(database) = Database::fresh() else {
        return;
    };
    let ours = database.session().transaction(|session| {
        session.before_commit(move |_: &mut Session| Err::<(), _>(held(Error::ReadOnly.into())));
        lback::Result::Ok(())
    });
    assert!(matches!(ours, Err(Error::ReadOnly)), "{ours:?}");
    let refused = database.session().transaction(|session| {
        session.before_commit(move |_: &mut Session| Err::<(), _>(held(veto().into())));
        lback::Result::Ok(())
    });
    assert!(
        matches!(&refused, Err(Error::Refused(it)) if *it == veto()),
        "{refused:?}"
    );
}
