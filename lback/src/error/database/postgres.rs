//! What PostgreSQL says.

use diesel::result::DatabaseErrorInformation;

/// `Key (username)=(ada) already exists.`
pub(super) fn duplicate_columns(
    info: &(dyn DatabaseErrorInformation + Send + Sync),
) -> Option<String> {
    let (_, rest) = info.details()?.split_once('(')?;
    let (columns, _) = rest.split_once(")=(")?;
    Some(columns.to_owned())
}
