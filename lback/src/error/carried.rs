//! What an error carries: one of ours, or a failure of the database that goes away by itself.

use std::error::Error as StdError;

use diesel::result::Error as DieselError;

use super::causes::causes;
use super::probe::{Answer, Found, ask, in_silence, text_of};
use super::{Error, Veto, database};
use crate::care::unless_it_panics;

/// The first of ours, in an error and its sources, that those further out must know.
pub(super) struct Carried {
    pub(super) found: Found,
    /// How many errors stand before it.
    pub(super) depth: usize,
    /// The text of the error in which it was found.
    pub(super) text: String,
}

impl Carried {
    pub(super) fn by(error: &(dyn StdError + 'static)) -> Option<Self> {
        let first = |(depth, error)| {
            let Answer { found, text } = look(error)?;
            (!matches!(found, Found::Other { .. })).then_some(Self { found, depth, text })
        };
        in_silence(|| causes(error).enumerate().find_map(first))
    }
}

/// Looks at one error, without its sources.
fn look(error: &(dyn StdError + 'static)) -> Option<Answer> {
    let found = if let Some(veto) = error.downcast_ref::<Veto>() {
        Found::Veto(veto.clone())
    } else if let Some(error) = error.downcast_ref::<Error>() {
        found(error, false)
    } else {
        return ask(error);
    };
    // The text has that of the errors which hold a veto, and those are the user's.
    let text = unless_it_panics(|| text_of(error)).unwrap_or_default();
    Some(Answer { found, text })
}

/// What an error of ours is; and, for one below which nobody looks, whether anything there is
/// retryable.
pub(super) fn found(error: &Error, is_last: bool) -> Found {
    match error {
        Error::Refused(veto) => Found::Veto(veto.clone()),
        Error::Vetoed {
            receiver,
            message,
            field,
            ..
        } => {
            let (message, field) = (message.clone(), field.clone());
            Found::Vetoed(receiver, Veto { message, field })
        }
        Error::Recursion {
            limit,
            chain,
            signal,
        } => Found::Recursion {
            limit: *limit,
            chain: chain.clone(),
            signal,
        },
        Error::StateMissing {
            receiver,
            type_name,
        } => Found::StateMissing {
            receiver: *receiver,
            type_name,
        },
        _ => Found::Other {
            is_retryable: if is_last {
                is_retryable(error)
            } else {
                is_itself_retryable(error)
            },
        },
    }
}

/// Looks for a failure that goes away by itself, in `error` and all its sources.
pub(super) fn is_retryable(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| {
        if let Some(error) = error.downcast_ref::<Error>() {
            is_itself_retryable(error)
        } else if let Some(error) = error.downcast_ref::<DieselError>() {
            is_transient(error)
        } else {
            let found = ask(error).map(|answer| answer.found);
            let is_ours = matches!(found, Some(Found::Other { is_retryable: true }));
            is_ours || database::is_transient_inside(error)
        }
    })
}

/// What somebody has put into an error of Diesel's, to return it where one is asked for.
fn held_by(error: &DieselError) -> Option<&(dyn StdError + 'static)> {
    match error {
        DieselError::QueryBuilderError(held)
        | DieselError::DeserializationError(held)
        | DieselError::SerializationError(held) => Some(held.as_ref()),
        _ => None,
    }
}

/// Whether it goes away by itself, or what it holds does, which its `source()` passes over.
fn is_transient(error: &DieselError) -> bool {
    database::is_transient(error) || held_by(error).is_some_and(is_retryable)
}

fn is_itself_retryable(error: &Error) -> bool {
    match error {
        Error::TransactionAborted { is_retryable, .. } => *is_retryable,
        Error::Database(source)
        | Error::Duplicate { source, .. }
        | Error::ForeignKey { source }
        | Error::CommitUnknown { source } => is_transient(source),
        _ => false,
    }
}
