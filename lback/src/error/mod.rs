//! The one error type, [`Error`], and what receivers and validation return.

mod database;
mod receiver;
mod registry;
mod veto;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

pub use self::registry::{Problem, RegistryError};
pub use self::veto::Veto;
use crate::receiver::{BoxError, Registration};

pub(crate) use self::database::{classify, is_transient};
pub(crate) use self::receiver::of_receiver;

/// `Result` with [`Error`].
///
/// It has one parameter, so that `lback::Result::Ok(())` at the end of a closure names the error
/// type by itself.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in a session, a signal or a repository.
///
/// `Display` says what happened and where: signal, receiver id, file and line. [`source`] leads to
/// the cause. `Debug` prints the same with its causes below it, so that a `main` which returns
/// [`Result`] ends with a text a person can read. No text of it holds the data of a row: the
/// database's own detail ("Failing row contains ...") is dropped.
///
/// ```
/// use lback::sqlite::{prelude::*, users::*};
///
/// # let mut session = lback::sqlite::connect(":memory:")?;
/// # lback::sqlite::migrate(&mut session)?;
/// match UserRepository::new().delete(&mut session, UserId::from(7)) {
///     Err(lback::Error::NotFound { entity, .. }) => println!("there is no such {entity}"),
///     Err(error) if error.is_retryable() => println!("try again: {error}"),
///     other => other?,
/// }
/// # lback::Result::Ok(())
/// ```
///
/// [`source`]: std::error::Error::source
#[non_exhaustive]
pub enum Error {
    /// A receiver refused the operation with a [`Veto`].
    #[non_exhaustive]
    Vetoed {
        /// Who refused, of which signal.
        receiver: &'static Registration,
        /// Why.
        message: Cow<'static, str>,
        /// The field that the refusal is about.
        field: Option<Cow<'static, str>>,
        /// The error that carried the veto, when it was not the veto itself.
        source: Option<BoxError>,
    },
    /// A receiver failed.
    #[non_exhaustive]
    ReceiverFailed {
        /// Who failed, of which signal.
        receiver: &'static Registration,
        /// What it returned.
        source: BoxError,
    },
    /// The data was refused by its own validation.
    Invalid(Invalid),
    /// A row with this value exists already.
    #[non_exhaustive]
    Duplicate {
        /// The column, or the columns with commas between them, if the database names them.
        field: Option<String>,
        /// What the database said.
        source: diesel::result::Error,
    },
    /// A row that this one refers to does not exist, or one that refers to it still does.
    #[non_exhaustive]
    ForeignKey {
        /// What the database said.
        source: diesel::result::Error,
    },
    /// There is no such row.
    #[non_exhaustive]
    NotFound {
        /// What was looked for.
        entity: &'static str,
        /// Its key.
        key: String,
    },
    /// A receiver asks for a `#[state]` that nobody put into the session.
    #[non_exhaustive]
    StateMissing {
        /// Who asks.
        receiver: Option<&'static Registration>,
        /// The type that is missing.
        type_name: &'static str,
    },
    /// The connection given to a session is inside a transaction already.
    AlreadyInTransaction,
    /// The database, or an earlier error, has ended the transaction that is still open here.
    #[non_exhaustive]
    TransactionAborted {
        /// How it came to that, and the remedy.
        reason: Cow<'static, str>,
        /// Whether it came to that by a failure that goes away by itself, such as a deadlock.
        is_retryable: bool,
    },
    /// The session cannot be used any more: a ROLLBACK failed, or the connection is lost.
    SessionBroken,
    /// A write inside [`Session::read`](crate::Session::read).
    ReadOnly,
    /// Receivers called each other beyond the bound.
    #[non_exhaustive]
    Recursion {
        /// The bound.
        limit: usize,
        /// The receivers that were running, outermost first.
        chain: Vec<&'static Registration>,
        /// The signal that was not sent any more.
        signal: &'static str,
    },
    /// Effects caused effects beyond the bound.
    #[non_exhaustive]
    EffectLoop {
        /// The bound.
        limit: u32,
        /// The effect at work, if it is a receiver.
        receiver: Option<&'static Registration>,
    },
    /// The answer to COMMIT was lost: the data may be stored, or not.
    #[non_exhaustive]
    CommitUnknown {
        /// What was seen instead of an answer.
        source: diesel::result::Error,
    },
    /// The receivers contradict each other: see [`verify`](crate::verify).
    Registry(RegistryError),
    /// This database cannot do what was asked of it.
    #[non_exhaustive]
    Unsupported {
        /// What was asked.
        what: Cow<'static, str>,
    },
    /// No connection could be made.
    #[non_exhaustive]
    Connection {
        /// What was tried.
        what: Cow<'static, str>,
        /// Why it failed.
        source: BoxError,
    },
    /// A password could not be hashed or compared.
    Password(BoxError),
    /// Any other error of the database.
    Database(diesel::result::Error),
}

/// Data refused by its own validation, before any statement.
///
/// ```
/// use lback::{Error, NewUser};
///
/// match NewUser::new("ada", "ada@example.com", "") {
///     Err(Error::Invalid(invalid)) => assert_eq!(invalid.field, "password"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The field.
    pub field: Cow<'static, str>,
    /// Why, as a sentence for a person.
    pub reason: Cow<'static, str>,
}

impl Invalid {
    /// Refuses `field` because of `reason`.
    pub fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {}", self.field, self.reason)
    }
}

impl StdError for Invalid {}

impl Error {
    /// Whether the same transaction may succeed if it is run again: the database was busy, a
    /// deadlock was broken, a serialization failed.
    ///
    /// It looks through all sources, so a busy database that made a receiver fail is seen.
    pub fn is_retryable(&self) -> bool {
        database::is_retryable(self)
    }

    /// The receiver that vetoed, failed, or lacks a state.
    pub fn receiver(&self) -> Option<&'static Registration> {
        match self {
            Self::Vetoed { receiver, .. } | Self::ReceiverFailed { receiver, .. } => Some(receiver),
            Self::StateMissing { receiver, .. } => *receiver,
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vetoed {
                receiver,
                message,
                field: Some(field),
                ..
            } => {
                write!(f, "vetoed by {receiver}: {field}: {message}")
            }
            Self::Vetoed {
                receiver,
                message,
                field: None,
                ..
            } => {
                write!(f, "vetoed by {receiver}: {message}")
            }
            Self::ReceiverFailed { receiver, source } => write!(f, "{receiver} failed: {source}"),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Duplicate {
                field: Some(field), ..
            } => {
                write!(f, "a row with this {field} exists already")
            }
            Self::Duplicate {
                field: None,
                source,
            } => {
                write!(f, "a row with these values exists already: {source}")
            }
            Self::ForeignKey { source } => {
                write!(f, "a reference between rows is broken: {source}")
            }
            Self::NotFound { entity, key } => write!(f, "there is no {entity} with key {key}"),
            Self::StateMissing {
                receiver: Some(receiver),
                type_name,
            } => write!(
                f,
                "{receiver} asks for `#[state] {type_name}`, which this session does not have: \
                 add it with `session.with_state(..)`"
            ),
            Self::StateMissing {
                receiver: None,
                type_name,
            } => write!(
                f,
                "this session has no state `{type_name}`: add it with `session.with_state(..)`"
            ),
            Self::AlreadyInTransaction => f.write_str(
                "the connection is already inside a transaction, whose end a session could not \
                 see: end it first, or use `Session::for_test` in a test",
            ),
            Self::TransactionAborted { reason, .. } => {
                write!(f, "the transaction has been aborted: {reason}")
            }
            Self::SessionBroken => f.write_str(
                "the session is broken, because a ROLLBACK failed or the connection was lost: \
                 make a new one",
            ),
            Self::ReadOnly => f.write_str("a write was refused inside `session.read(..)`"),
            Self::Recursion {
                limit,
                chain,
                signal,
            } => {
                write!(
                    f,
                    "receivers called each other more than {limit} levels deep: "
                )?;
                for link in chain {
                    write!(f, "{} -> `{}` ({}) -> ", link.signal, link.id, link.place)?;
                }
                f.write_str(signal)
            }
            Self::EffectLoop { limit, receiver } => {
                write!(
                    f,
                    "effects caused effects for more than {limit} generations"
                )?;
                match receiver {
                    Some(receiver) => write!(f, ", the last by {receiver}"),
                    None => f.write_str(", the last by a closure"),
                }
            }
            Self::CommitUnknown { source } => write!(
                f,
                "the answer to COMMIT was lost, so the data may be stored or not: {source}"
            ),
            Self::Registry(error) => error.fmt(f),
            Self::Unsupported { what } => write!(f, "not supported: {what}"),
            Self::Connection { what, source } => write!(f, "{what}: {source}"),
            Self::Password(source) => source.fmt(f),
            Self::Database(source) => write!(f, "database error: {source}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        causes(self)
            .skip(1)
            .try_for_each(|error| write!(f, "\n  caused by: {error}"))
    }
}

/// The error and all its sources, outermost first.
fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Vetoed { source, .. } => source.as_deref().map(|error| error as _),
            Self::ReceiverFailed { source, .. }
            | Self::Connection { source, .. }
            | Self::Password(source) => Some(source.as_ref()),
            Self::Duplicate { source, .. }
            | Self::ForeignKey { source }
            | Self::CommitUnknown { source }
            | Self::Database(source) => Some(source),
            Self::Registry(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}
