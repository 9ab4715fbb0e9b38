//! What PostgreSQL says.

use diesel::result::DatabaseErrorInformation;

/// Texts of failures that go away by themselves, whole: 40P01, 55P03 and 0A000, which reach Diesel as texts
/// only.
pub(super) fn is_transient(message: &str) -> bool {
    let busy = [
        "could not obtain lock on row in relation \"",
        "could not obtain lock on relation \"",
        "could not obtain lock on materialized view \"",
    ];
    matches!(
        message,
        "deadlock detected"
            | "canceling statement due to lock timeout"
            | "cached plan must not change result type"
    ) || busy.iter().any(|start| {
        let name = message.strip_prefix(start);
        name.and_then(|rest| rest.strip_suffix('"'))
            .is_some_and(|name| !name.contains('"'))
    })
}

/// What a unique violation is about: `Key (username, "a, b")=(ada, c) already exists.`
pub(super) fn duplicate(
    info: &(dyn DatabaseErrorInformation + Send + Sync),
) -> Option<super::Duplicate> {
    let constraint = info.constraint_name()?.to_owned();
    Some(super::Duplicate {
        constraint: Some(constraint),
        columns: info.details().and_then(columns),
    })
}

/// `None` where an expression stands among them, such as `lower(title::text)`.
fn columns(details: &str) -> Option<Vec<String>> {
    // The words around it are translated; the brackets are not.
    let (_, mut rest) = details.split_once('(')?;
    let mut columns = Vec::new();
    loop {
        let (name, behind) = name(rest)?;
        columns.push(name);
        match behind.strip_prefix(", ") {
            Some(next) => rest = next,
            None => return behind.starts_with(")=(").then_some(columns),
        }
    }
}

/// A name as PostgreSQL quotes it where it must, and what stands behind it.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
        let (name, behind) = text.split_at(end);
        return (!name.is_empty()).then(|| (name.to_owned(), behind));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        // A quote in a name is doubled.
        match behind.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Some((name, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, is_transient};

    #[test]
    fn columns_are_told_without_their_quotes() {
        let told = |details: &str| columns(details).unwrap_or_default().join("|");
        assert_eq!(told("Key (username)=(ada) already exists."), "username");
        assert_eq!(told("Key (a, \"user\")=(1, 2) already exists."), "a|user");
        assert_eq!(told("Key (\"a, b\", \"c\"\")=(\")=(1)"), "a, b|c\")=(");
        assert_eq!(told("Key (lower(title))=(ada) already exists."), "");
        assert_eq!(told("Key (a, (b || c))=(1, 2) already exists."), "");
    }

    #[test]
    fn a_trigger_may_say_similar_words() {
        assert!(is_transient("deadlock detected"));
        assert!(is_transient(
            "could not obtain lock on row in relation \"items\""
        ));
        assert!(!is_transient("deadlock detected in position 7"));
        assert!(!is_transient(
            "could not obtain lock on row in relation \"a\" of \"b\""
        ));
    }
}
