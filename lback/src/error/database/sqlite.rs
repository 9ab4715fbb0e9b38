//! What SQLite says.

/// Texts of failures that go away by themselves, whole: `SQLITE_BUSY` and `SQLITE_LOCKED`.
pub(super) fn is_transient(message: &str) -> bool {
    // `sqlite3ErrStr`, and `sqlite3_step` of a shared cache, which names the table.
    let locked = ["database table is locked: ", "database schema is locked: "];
    matches!(message, "database is locked" | "database table is locked")
        || locked
            .iter()
            .any(|start| super::is_start_of_name(message, start))
}

/// What a unique violation is about.
///
/// `UNIQUE constraint failed: users.username, users.email` names columns, and
/// `UNIQUE constraint failed: index 'users_lower'` an index over an expression.
pub(super) fn duplicate(message: &str) -> Option<super::Duplicate> {
    let what = message.strip_prefix("UNIQUE constraint failed: ")?;
    if let Some(index) = what.strip_prefix("index '") {
        return Some(super::Duplicate {
            constraint: index.strip_suffix('\'').map(str::to_owned),
            columns: None,
        });
    }
    // All are columns of one table, whose name stands before the first.
    let (table, _) = what.split_once('.')?;
    let columns = what.strip_prefix(table)?.strip_prefix('.')?;
    Some(super::Duplicate {
        constraint: None,
        columns: Some(
            columns
                .split(&format!(", {table}."))
                .map(str::to_owned)
                .collect(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{duplicate, is_transient};

    #[test]
    fn columns_may_have_commas_and_dots() {
        let columns =
            |message| duplicate(message).map(|duplicate| duplicate.columns.unwrap_or_default());
        assert_eq!(
            columns("UNIQUE constraint failed: t.a, b, t.c.d"),
            Some(vec!["a, b".to_owned(), "c.d".to_owned()])
        );
        assert_eq!(columns("UNIQUE constraint failed: index 'x'"), Some(vec![]));
        assert_eq!(columns("NOT NULL constraint failed: t.a"), None);
    }

    #[test]
    fn a_trigger_may_say_similar_words() {
        assert!(is_transient("database is locked"));
        assert!(is_transient("database table is locked: items"));
        assert!(!is_transient("database is locked for the audit"));
        assert!(!is_transient("database table is locked: ask the owner"));
    }
}
