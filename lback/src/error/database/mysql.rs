//! What MySQL and MariaDB say.

/// Texts of failures that go away by themselves, whole: 1205, 1213, 1020 and 3572, which reach
/// Diesel as texts only.
pub(super) fn is_transient(message: &str) -> bool {
    let changed = "Record has changed since last read in table '";
    matches!(
        message,
        "Lock wait timeout exceeded; try restarting transaction"
            | "Deadlock found when trying to get lock; try restarting transaction"
            | "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set."
    ) || message
        .strip_prefix(changed)
        .map(|rest| {
            rest.strip_suffix("; try restarting transaction")
                .unwrap_or(rest)
        })
        .and_then(|rest| rest.strip_suffix('\''))
        .is_some_and(|table| !table.contains('\''))
}

/// 1267: a column whose character set lacks characters of the value it is compared with.
pub(super) fn is_beyond_characters(message: &str) -> bool {
    message.starts_with("Illegal mix of collations (")
        && message.contains(",IMPLICIT) and (utf8mb4_")
        && message.contains(",COERCIBLE) for operation '")
}

/// What a unique violation is about: `Duplicate entry 'ada' for key 'users.ix_users_username'`, in
/// whatever language: two texts are quoted, the key last, and the value may hold quotes itself. MySQL
/// puts the table before the index, MariaDB does not. Neither tells the columns.
pub(super) fn duplicate(message: &str) -> Option<super::Duplicate> {
    let (before_end, _) = message.rsplit_once('\'')?;
    let (before_key, key) = before_end.rsplit_once('\'')?;
    let value_end = before_key.rfind('\'')?;
    let value_start = message.find('\'')?;
    if value_start >= value_end {
        return None;
    }
    let index = key.split_once('.').map_or(key, |(_table, index)| index);
    Some(super::Duplicate {
        constraint: Some(index.to_owned()),
        columns: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{duplicate, is_transient};

    #[test]
    fn the_index_is_named_whatever_the_value_says() {
        let named = |message| duplicate(message).and_then(|duplicate| duplicate.constraint);
        for message in [
            "Duplicate entry 'ada' for key 'ix'",
            "Duplicate entry 'ada' for key 'users.ix'",
            "Duplicate entry 'a' for key 'b' for key 'ix'",
            "Doppelter Eintrag 'ada' für Schlüssel 'ix'",
            "Duplicata du champ 'l'ada' pour la clef 'users.ix'",
        ] {
            assert_eq!(named(message).as_deref(), Some("ix"), "{message}");
        }
    }

    #[test]
    fn a_trigger_may_say_similar_words() {
        assert!(is_transient(
            "Lock wait timeout exceeded; try restarting transaction"
        ));
        assert!(!is_transient("Lock wait timeout exceeded"));
        assert!(!is_transient(
            "Deadlock found when trying to get lock on the door"
        ));
    }
}
