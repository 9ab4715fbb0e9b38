//! The values in a database's messages, masked by their form.
//!
//! Databases quote values and names alike. A name is told by the word right before it (`column "a"`,
//! `Table 'a'`); whatever else stands in quotes is taken for a value. From the first value on
//! nothing is believed any more, up to the last quote of the message, for a value may hold quotes and
//! such words itself. Only what MySQL puts behind a value, anchored at the end, is kept.

use crate::value::MASK;

/// The words before a name, in lower case.
const BEFORE_A_NAME: [&str; 26] = [
    "column",
    "columns",
    "constraint",
    "database",
    "domain",
    "encoding",
    "extension",
    "field",
    "function",
    "index",
    "key",
    "language",
    "parameter",
    "partition",
    "policy",
    "procedure",
    "references",
    "relation",
    "role",
    "schema",
    "sequence",
    "table",
    "trigger",
    "type",
    "user",
    "view",
];

/// `message` with `***` in the place of each value in quotes, and of bytes (`0xe4 0xf6`).
pub(super) fn without_values(message: &str) -> String {
    let (message, tail) = split_tail(message);
    let mut masked = String::with_capacity(message.len() + tail.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let (before, quoted) = rest.split_at(start);
        masked.push_str(&without_bytes(before));
        if let Some(end) = end_of_apostrophe(before, quoted) {
            masked.push_str(&quoted[..end]);
            rest = &quoted[end..];
            continue;
        }
        let end = if is_name(before, quoted) {
            end_of_name(quoted)
        } else {
            None
        };
        if let Some(end) = end {
            masked.push_str(&quoted[..end]);
            rest = &quoted[end..];
        } else {
            let quote = &quoted[..1];
            let end = quoted.rfind(quote).unwrap_or(0);
            let behind = if end == 0 { "" } else { &quoted[end + 1..] };
            masked.extend([quote, MASK, quote]);
            // What is left holds no quote of this kind; one of another kind begins a value again.
            rest = behind;
            if let Some(other) = rest.find(['"', '\'', '`']) {
                masked.push_str(&without_bytes(&rest[..other]));
                masked.push_str(MASK);
                rest = "";
            }
        }
    }
    masked.push_str(&without_bytes(rest));
    masked.push_str(tail);
    masked
}

/// What MySQL says behind a value: `' for key 'users.email'`, `' for column 'n' at row 1`, and MariaDB's
/// `` ' for column `db`.`items`.`n` at row 1``. The quote that ends the value stays with the value.
fn split_tail(message: &str) -> (&str, &str) {
    for (start, is_whole) in [
        ("' for key '", is_key as fn(&str) -> bool),
        ("' for column ", is_column),
        ("\" for column ", is_column),
    ] {
        if let Some(place) = message.rfind(start) {
            let (value, tail) = message.split_at(place + 1);
            if is_whole(&message[place + start.len()..]) {
                return (value, tail);
            }
        }
    }
    (message, "")
}

fn is_key(rest: &str) -> bool {
    rest.strip_suffix('\'')
        .is_some_and(|name| !name.contains('\''))
}

fn is_column(rest: &str) -> bool {
    let Some((names, row)) = rest.rsplit_once(" at row ") else {
        return false;
    };
    let is_row = !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit());
    let quoted_once = |quote| {
        let name = names
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        name.is_some_and(|name: &str| !name.contains(quote))
    };
    let is_path = names.split('.').all(|name| {
        name.len() > 2
            && name.starts_with('`')
            && name.ends_with('`')
            && !name[1..name.len() - 1].contains('`')
    });
    is_row && (quoted_once('\'') || is_path)
}

/// `doesn't`, `can't`: no quote at all.
fn end_of_apostrophe(before: &str, quoted: &str) -> Option<usize> {
    let inside_a_word = before.ends_with(|c: char| c.is_ascii_lowercase())
        && quoted.starts_with("'t")
        && !quoted[2..].starts_with(|c: char| c.is_alphanumeric());
    inside_a_word.then_some(2)
}

fn is_name(before: &str, quoted: &str) -> bool {
    // Only MySQL has them, for names; in a value they stand behind its own quote.
    if quoted.starts_with('`') {
        return true;
    }
    let Some(before) = before.strip_suffix(' ') else {
        return false;
    };
    let start = before
        .rfind(|c: char| !c.is_ascii_alphabetic())
        .map_or(0, |place| place + 1);
    let word = before[start..].to_ascii_lowercase();
    BEFORE_A_NAME.contains(&word.as_str())
}

/// Behind the closing quote.
fn end_of_name(quoted: &str) -> Option<usize> {
    let quote = &quoted[..1];
    quoted[1..].find(quote).map(|end| end + 2)
}

/// `invalid byte sequence for encoding "UTF8": 0xe4 0xf6`
fn without_bytes(text: &str) -> String {
    if !text.contains("0x") {
        return text.to_owned();
    }
    let words = text.split(' ').map(|word| {
        let is_bytes = word
            .strip_prefix("0x")
            .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_hexdigit()));
        if is_bytes { MASK } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn values_are_masked_and_names_stay() {
        for (message, expected) in [
            // PostgreSQL
            (
                "invalid input syntax for type integer: \"4111\"",
                "invalid input syntax for type integer: \"***\"",
            ),
            (
                "invalid input value for enum mood: \"4111\"",
                "invalid input value for enum mood: \"***\"",
            ),
            (
                "new row for relation \"items\" violates check constraint \"items_title\"",
                "new row for relation \"items\" violates check constraint \"items_title\"",
            ),
            (
                "null value in column \"a\" of relation \"b\" violates not-null constraint",
                "null value in column \"a\" of relation \"b\" violates not-null constraint",
            ),
            (
                "value \"4111\" is out of range for type integer",
                "value \"***\" is out of range for type integer",
            ),
            (
                "invalid input syntax for type integer: \"a\" column \"4111\"",
                "invalid input syntax for type integer: \"***\"",
            ),
            (
                "invalid byte sequence for encoding \"UTF8\": 0xe4 0xf6",
                "invalid byte sequence for encoding \"UTF8\": *** ***",
            ),
            (
                "relation \"nowhere\" does not exist",
                "relation \"nowhere\" does not exist",
            ),
            // MySQL and MariaDB
            (
                "Incorrect integer value: '4111' for column 'n' at row 1",
                "Incorrect integer value: '***' for column 'n' at row 1",
            ),
            (
                "Incorrect integer value: '4111' for column `d`.`items`.`n` at row 1",
                "Incorrect integer value: '***' for column `d`.`items`.`n` at row 1",
            ),
            (
                "Truncated incorrect INTEGER value: '4111'",
                "Truncated incorrect INTEGER value: '***'",
            ),
            (
                "Truncated incorrect INTEGER value: 'a' column '4111'",
                "Truncated incorrect INTEGER value: '***'",
            ),
            (
                "Duplicate entry 'a' for key '4111' for key 'users.email'",
                "Duplicate entry '***' for key 'users.email'",
            ),
            (
                "Duplicate entry '4`1`11' for key 'email'",
                "Duplicate entry '***' for key 'email'",
            ),
            (
                "Table 'shop.items' doesn't exist",
                "Table 'shop.items' doesn't exist",
            ),
            (
                "You have an error near 'x 4111' at line 1",
                "You have an error near '***' at line 1",
            ),
            (
                "Invalid JSON text: \"4111\" at position 1 in value for column 'items.j'.",
                "Invalid JSON text: \"***\" at position 1 in value for column ***",
            ),
            (
                "a foreign key constraint fails (`d`.`t`, CONSTRAINT `fk` FOREIGN KEY (`a`) REFERENCES `b` (`id`))",
                "a foreign key constraint fails (`d`.`t`, CONSTRAINT `fk` FOREIGN KEY (`a`) REFERENCES `b` (`id`))",
            ),
            // SQLite
            ("near \"4111\": syntax error", "near \"***\": syntax error"),
            (
                "UNIQUE constraint failed: users.email",
                "UNIQUE constraint failed: users.email",
            ),
            ("an odd '4111", "an odd '***'"),
        ] {
            assert_eq!(without_values(message), expected);
        }
    }
}
