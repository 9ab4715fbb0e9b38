//! What MySQL and MariaDB say.

/// `Duplicate entry '...' for key 'users.ix_users_username'`: an index is named after its column,
/// alone or behind its table's name.
pub(super) fn duplicate_column(message: &str) -> Option<String> {
    let (_, key) = message.rsplit_once("' for key '")?;
    let key = key.trim_end_matches('\'');
    let (table, index) = key.split_once('.').unwrap_or(("", key));
    let index = index.strip_prefix("ix_").unwrap_or(index);
    let column = index
        .strip_prefix(table)
        .map_or(index, |rest| rest.trim_start_matches('_'));
    Some(if column == "PRIMARY" { "id" } else { column }.to_owned())
}
