//! The one error type, [`Error`], and what receivers and validation return.

mod carried;
mod causes;
mod database;
mod password;
mod probe;
mod receiver;
mod registry;
mod retry;
mod text;
mod veto;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

#[allow(unused_imports)] // unused without users
pub use self::password::PasswordError;
pub use self::registry::{Problem, RegistryError, Warning};
pub use self::retry::Retryable;
pub use self::veto::Veto;
use crate::receiver::{BoxError, Registration};

pub(crate) use self::causes::causes;
pub(crate) use self::database::{
    classify, is_beyond_characters, is_transient, not_connected, printable, without_details_inside,
};
pub(crate) use self::receiver::{of_closure, of_receiver};
pub(crate) use self::text::Whole;
pub use self::text::text_of_key;

/// `Result` with [`Error`].
///
/// It has one parameter, so that `lback::Result::Ok(())` at the end of a closure names the error
/// type by itself.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in a session, a signal or a repository.
///
/// `Display` says what happened and where: signal, receiver id, file and line. Each cause is told
/// once: by [`source`], or in the text, and then [`source`] leads to what is below it. So a report
/// that prints an error with its sources repeats nothing, and `{:#}` is such a report in one line.
/// `Debug` prints the causes below each other, so that a `main` which returns [`Result`] ends with
/// a text a person can read. No text of it holds the data of a row: the database's own detail
/// ("Failing row contains ...") is dropped.
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
        /// The error that carried the veto, when it says more than the veto itself. `Display` has
        /// its text, so [`source`](std::error::Error::source) leads to what is below the veto.
        source: Option<BoxError>,
    },
    /// A [`Veto`] outside of any receiver: in the closure of a transaction, or in a function that
    /// a receiver calls. From a receiver it becomes [`Vetoed`](Self::Vetoed).
    Refused(Veto),
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
        /// The column, or the columns with commas between them, where the database tells them: SQLite
        /// and PostgreSQL do, if the index is over columns and not over an expression. MySQL and MariaDB
        /// name the index alone, and a repository asks them for its columns.
        field: Option<String>,
        /// The constraint or the index, as the database names it; SQLite names only an index over an
        /// expression.
        constraint: Option<String>,
        /// What the database said.
        source: diesel::result::Error,
    },
    /// A row that this one refers to does not exist, or one that refers to it still does.
    #[non_exhaustive]
    ForeignKey {
        /// What the database said.
        source: diesel::result::Error,
    },
    /// There is no such row. Made with [`Error::not_found`], and of Diesel's own `NotFound`.
    #[non_exhaustive]
    NotFound {
        /// What was looked for; `row`, where Diesel does not tell.
        entity: &'static str,
        /// Its key, if it was looked for by one.
        key: Option<String>,
    },
    /// The database executed the statement and did not write the row: a trigger or a rule suppressed
    /// it, or put something else in its place. Nothing of the operation is left.
    #[non_exhaustive]
    Suppressed {
        /// What was to be written.
        entity: &'static str,
        /// Its key, if it has one already.
        key: Option<String>,
    },
    /// A row is there, and cannot be read: a value in it has not the form that its type expects.
    #[non_exhaustive]
    Unreadable {
        /// What it is.
        entity: &'static str,
        /// Its key.
        key: String,
        /// What could not be read.
        source: diesel::result::Error,
    },
    /// The row was updated since the caller read it: of a repository with a `version`.
    #[non_exhaustive]
    Stale {
        /// What was to be changed.
        entity: &'static str,
        /// Its key.
        key: String,
    },
    /// A statement about one row wrote several: the key that `diesel::table!` declares is not unique
    /// in the database. It was undone.
    #[non_exhaustive]
    NotUnique {
        /// What was to be changed.
        entity: &'static str,
        /// Its table, as the module of `diesel::table!` is called.
        table: &'static str,
    },
    /// Several rows meet a condition that was to name one.
    #[non_exhaustive]
    Ambiguous {
        /// What was looked for.
        entity: &'static str,
        /// Its table, as the module of `diesel::table!` is called.
        table: &'static str,
    },
    /// A receiver asks for a `#[state]` that nobody put into the session.
    #[non_exhaustive]
    StateMissing {
        /// Who asks.
        receiver: Option<&'static Registration>,
        /// The type that is missing.
        type_name: &'static str,
    },
    /// A receiver is an `async fn`, and this session has no runtime for it.
    #[non_exhaustive]
    NoRuntime {
        /// Which one.
        receiver: &'static Registration,
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
    /// More transactions inside each other than
    /// [`Session::with_max_nesting`](crate::Session::with_max_nesting) allows.
    #[non_exhaustive]
    NestedTooDeep {
        /// The bound.
        limit: u32,
    },
    /// A transaction that [must be the outermost](crate::TransactionOptions::outermost) was asked for
    /// inside another.
    NotOutermost,
    /// Two sessions changed places inside a closure, such as by `std::mem::swap`. What was done in
    /// the transaction that was open is not stored, and the session that it belongs to is broken.
    SessionSwapped,
    /// Receivers called each other beyond the bound.
    #[non_exhaustive]
    Recursion {
        /// The bound.
        limit: u32,
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
    /// Telling changes caused changes beyond
    /// [`Session::with_max_rounds`](crate::Session::with_max_rounds). The transaction is rolled back.
    #[non_exhaustive]
    ChangeLoop {
        /// The bound.
        limit: u32,
        /// The receivers whose writes had to be told, in their order: the last 32.
        chain: Vec<&'static Registration>,
    },
    /// A transaction has changed more rows than
    /// [`Session::with_max_changes`](crate::Session::with_max_changes) allows to note.
    #[non_exhaustive]
    TooManyChanges {
        /// The bound.
        limit: usize,
    },
    /// A closure that was given to [`Session::before_commit`](crate::Session::before_commit) failed,
    /// and the transaction with it.
    #[non_exhaustive]
    ClosureFailed {
        /// What it returned.
        source: BoxError,
    },
    /// The answer to COMMIT was lost: the data may be stored, or not.
    #[non_exhaustive]
    CommitUnknown {
        /// What was seen instead of an answer.
        source: diesel::result::Error,
    },
    /// The receivers contradict each other: see [`verify`](crate::verify).
    Registry(RegistryError),
    /// The table of the outbox is not there, in which rows for durable receivers are stored.
    NoOutbox,
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
    Password(PasswordError),
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
    /// It looks through all sources, and into errors that hide them (`anyhow`'s, `eyre`'s, enums
    /// that are `transparent`), so a busy database that made a receiver fail is seen.
    pub fn is_retryable(&self) -> bool {
        carried::is_retryable(self)
    }

    /// There is no `entity` with this key: for look-ups of your own.
    ///
    /// ```
    /// let error = lback::Error::not_found("invoice", &9);
    /// assert_eq!(error.to_string(), "there is no invoice with key 9");
    /// ```
    pub fn not_found(entity: &'static str, key: &impl fmt::Debug) -> Self {
        Self::NotFound {
            entity,
            key: Some(text_of_key(key)),
        }
    }

    /// The receiver that vetoed, failed, or lacks a state or a runtime.
    pub fn receiver(&self) -> Option<&'static Registration> {
        match self {
            Self::Vetoed { receiver, .. }
            | Self::ReceiverFailed { receiver, .. }
            | Self::NoRuntime { receiver } => Some(receiver),
            Self::StateMissing { receiver, .. } => *receiver,
            _ => None,
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Veto> for Error {
    /// So that a function which returns [`Result`] can refuse with `?`.
    fn from(veto: Veto) -> Self {
        Self::Refused(veto)
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}
