//! What a receiver's error becomes for the caller of the operation.

use std::error::Error as StdError;

use super::{Error, Veto, database};
use crate::receiver::{BoxError, Registration};

/// Wraps what `receiver` returned.
///
/// Errors of operations further in that already say all there is to say pass unchanged: a
/// recursion, which would otherwise be wrapped at every level, a veto, which names its receiver,
/// and a missing state.
#[cold]
pub(crate) fn of_receiver(receiver: &'static Registration, error: BoxError) -> Error {
    let error = match error.downcast::<Veto>() {
        Ok(veto) => {
            let Veto { message, field } = *veto;
            return Error::Vetoed {
                receiver,
                message,
                field,
                source: None,
            };
        }
        Err(error) => error,
    };
    let error = match error.downcast::<Error>() {
        Ok(error) => match *error {
            error @ (Error::Recursion { .. }
            | Error::Vetoed { .. }
            | Error::StateMissing { .. }) => return error,
            error => error.into(),
        },
        Err(error) => error,
    };
    if let Some((by, Veto { message, field })) = veto_in(error.as_ref()) {
        return Error::Vetoed {
            receiver: by.unwrap_or(receiver),
            message,
            field,
            source: Some(error),
        };
    }
    let source = match error.downcast::<diesel::result::Error>() {
        Ok(error) => Box::new(database::without_details(*error)),
        Err(error) => error,
    };
    Error::ReceiverFailed { receiver, source }
}

/// The veto that an error carries, and who gave it, if that was a receiver further in.
fn veto_in(error: &(dyn StdError + 'static)) -> Option<(Option<&'static Registration>, Veto)> {
    super::causes(error).find_map(|error| {
        if let Some(veto) = error.downcast_ref::<Veto>() {
            return Some((None, veto.clone()));
        }
        match error.downcast_ref::<Error>()? {
            Error::Vetoed {
                receiver,
                message,
                field,
                ..
            } => {
                let (message, field) = (message.clone(), field.clone());
                Some((Some(*receiver), Veto { message, field }))
            }
            _ => None,
        }
    })
}
