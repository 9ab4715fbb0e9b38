//! What the error of a receiver, or of a closure, becomes for the caller of the operation.

use diesel::result::Error as DieselError;

use super::carried::Carried;
use super::causes::source_of;
use super::probe::Found;
use super::{Error, Veto, database};
use crate::care::drop_quietly;
use crate::receiver::{BoxError, Registration};

/// Wraps what `receiver` returned.
///
/// Errors of operations further in that already say all there is to say pass unchanged, whatever
/// they have been wrapped in meanwhile: a recursion, which would otherwise be wrapped at every
/// level, a veto, which names its receiver, and a missing state.
#[cold]
pub(crate) fn of_receiver(receiver: &'static Registration, error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => match *error {
            error @ (Error::Recursion { .. }
            | Error::Vetoed { .. }
            | Error::StateMissing { .. }
            | Error::NoRuntime { .. }) => return error,
            error => error.into(),
        },
        Err(error) => error,
    };
    let Some(carried) = Carried::by(error.as_ref()) else {
        let source = database::without_details_inside(error);
        return Error::ReceiverFailed { receiver, source };
    };
    let (receiver, veto) = match carried.found {
        Found::Veto(veto) => (receiver, veto),
        Found::Vetoed(by, veto) => (by, veto),
        Found::Recursion {
            limit,
            chain,
            signal,
        } => {
            drop_quietly(error);
            return Error::Recursion {
                limit,
                chain,
                signal,
            };
        }
        Found::StateMissing {
            receiver,
            type_name,
        } => {
            drop_quietly(error);
            return Error::StateMissing {
                receiver,
                type_name,
            };
        }
        Found::Other { .. } => {
            return Error::ReceiverFailed {
                receiver,
                source: error,
            };
        }
    };
    // What says nothing but what the caller is told anyway is not kept.
    let said_anyway = [
        format!("{veto}"),
        format!("refused: {veto}"),
        format!("vetoed by {receiver}: {veto}"),
    ];
    let adds_nothing = carried.depth == 0
        && source_of(error.as_ref()).is_none()
        && said_anyway.contains(&carried.text);
    let source = if adds_nothing {
        drop_quietly(error);
        None
    } else {
        Some(error)
    };
    let Veto { message, field } = veto;
    Error::Vetoed {
        receiver,
        message,
        field,
        source,
    }
}

/// What a closure returned that ran before a commit.
#[cold]
pub(crate) fn of_closure(error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    match Carried::by(error.as_ref()).map(|carried| carried.found) {
        Some(Found::Veto(veto)) => {
            drop_quietly(error);
            return Error::Refused(veto);
        }
        Some(Found::Vetoed(receiver, Veto { message, field })) => {
            return Error::Vetoed {
                receiver,
                message,
                field,
                source: Some(error),
            };
        }
        _ => {}
    }
    match error.downcast::<DieselError>() {
        Ok(error) => match *error {
            DieselError::QueryBuilderError(held)
            | DieselError::SerializationError(held)
            | DieselError::DeserializationError(held)
                if held.is::<Error>() =>
            {
                match held.downcast::<Error>() {
                    Ok(error) => *error,
                    Err(held) => Error::ClosureFailed { source: held },
                }
            }
            error => database::classify(error),
        },
        Err(error) => Error::ClosureFailed {
            source: database::without_details_inside(error),
        },
    }
}
