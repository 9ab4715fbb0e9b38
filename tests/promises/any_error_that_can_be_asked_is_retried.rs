//! `transaction_with_retries` takes any error that can be asked whether another attempt may succeed: the
//! framework's, Diesel's, an enum of the application's, `anyhow`'s and `eyre`'s, a box.

use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::traced;
use lback::{Error, Retryable};

fn busy() -> DieselError {
    DieselError::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new("try again".to_owned()),
    )
}

#[derive(Debug, thiserror::Error)]
enum Own {
    #[error("of the framework")]
    Framework(#[from] Error),
    #[error("of the database")]
    Database(#[from] DieselError),
    #[error("of the application")]
    Other,
}

/// How often the work ran, if it fails with a busy database twice.
fn attempts<E: From<Error> + Retryable<Via>, Via>(make: impl Fn(DieselError) -> E) -> u32 {
    let Some((_database, mut session, _)) = traced() else {
        return 3;
    };
    let mut attempts = 0;
    let result = session.transaction_with_retries(5, |_| {
        attempts += 1;
        if attempts < 3 {
            Err(make(busy()))
        } else {
            Ok(())
        }
    });
    assert!(result.is_ok());
    attempts
}

#[test]
fn whatever_its_type() {
    assert_eq!(attempts(Error::from), 3);
    assert_eq!(attempts(|error| error), 3);
    assert_eq!(attempts(Own::from), 3);
    assert_eq!(attempts(anyhow::Error::from), 3);
    assert_eq!(
        attempts(|error| anyhow::Error::from(error).context("outside")),
        3
    );
    assert_eq!(attempts(eyre::Report::from), 3);
    assert_eq!(
        attempts::<Box<dyn StdError + Send + Sync>, _>(|error| error.into()),
        3
    );
    assert_eq!(attempts::<Box<dyn StdError>, _>(|error| error.into()), 3);
}

#[test]
fn another_error_is_returned_at_once() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    let mut attempts = 0;
    let result: Result<(), _> = session.transaction_with_retries(5, |_| {
        attempts += 1;
        Err(Own::Other)
    });
    assert!(matches!(result, Err(Own::Other)));
    assert_eq!(attempts, 1);
}
