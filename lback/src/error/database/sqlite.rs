//! What SQLite says.

/// `UNIQUE constraint failed: users.username`
pub(super) fn duplicate_columns(message: &str) -> Option<String> {
    let (_, columns) = message.split_once("UNIQUE constraint failed: ")?;
    let names: Vec<_> = columns
        .split(", ")
        .map(|name| name.rsplit('.').next().unwrap_or(name))
        .collect();
    Some(names.join(", "))
}
