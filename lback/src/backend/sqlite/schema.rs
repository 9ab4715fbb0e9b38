//! What the schema says of itself, as the text of its definitions.

use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Schema {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A table, an index, a view or a trigger.
#[derive(QueryableByName)]
pub(super) struct Definition {
    /// `table`, `index`, `view` or `trigger`.
    #[diesel(sql_type = Text)]
    kind: String,
    /// The table that it is, or belongs to.
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Those of all databases that are attached, the temporary one included.
pub(super) fn definitions(connection: &mut SqliteConnection) -> QueryResult<Vec<Definition>> {
    let schemas: Vec<Schema> =
        diesel::sql_query("SELECT name FROM pragma_database_list").load(connection)?;
    let mut definitions = Vec::new();
    for schema in schemas {
        let name = schema.name.replace('"', "\"\"");
        let table = if name == "temp" {
            "sqlite_temp_master".to_owned()
        } else {
            format!("\"{name}\".sqlite_master")
        };
        // What they say is looked at here: LIKE is as the connection has been told to be.
        let query = format!(
            "SELECT type AS kind, tbl_name AS \"table\", sql FROM {table} WHERE sql IS NOT NULL"
        );
        definitions.extend(diesel::sql_query(query).load::<Definition>(connection)?);
    }
    Ok(definitions)
}

impl Definition {
    /// Whether a word stands in it, outside of literals, quoted names and comments.
    pub(super) fn says(&self, word: &str) -> bool {
        words(&self.sql)
            .iter()
            .any(|it| it.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_view_named(&self, name: &str) -> bool {
        self.kind == "view" && self.table.eq_ignore_ascii_case(name)
    }

    /// Whether it is this table, and a row of it may take the place of others: ON CONFLICT REPLACE.
    pub(super) fn may_overwrite(&self, table: &str) -> bool {
        self.kind == "table" && self.table.eq_ignore_ascii_case(table) && self.says("replace")
    }

    /// Whether it runs before a row of this table is updated or deleted, and may take a row away. If that is
    /// the row, SQLite passes over it and counts none.
    pub(super) fn may_take_away(&self, table: &str, by_delete_alone: bool) -> bool {
        self.kind == "trigger"
            && self.table.eq_ignore_ascii_case(table)
            && runs_before_and_takes(&self.sql, by_delete_alone)
    }
}

/// Of a trigger. BEFORE need not be said.
fn runs_before_and_takes(sql: &str, by_delete_alone: bool) -> bool {
    let words: Vec<_> = words(sql)
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let Some(on) = words.iter().position(|word| word == "on") else {
        return true;
    };
    let (head, body) = words.split_at(on);
    let is_event = |word: &&String| matches!(word.as_str(), "insert" | "update" | "delete");
    let event = head.iter().rposition(|word| is_event(&word));
    let Some(event) = event else {
        return true;
    };
    let is_after = event > 0 && head[event - 1] == "after";
    let is_wanted = match head[event].as_str() {
        "delete" => true,
        "update" => !by_delete_alone,
        _ => false,
    };
    let takes = |word: &String| matches!(word.as_str(), "update" | "delete" | "replace");
    is_wanted && !is_after && body.iter().any(takes)
}

/// The words of a definition, without literals, quoted names and comments.
fn words(sql: &str) -> Vec<String> {
    let mut rest = sql.chars().peekable();
    let mut words = Vec::new();
    let mut word = String::new();
    while let Some(character) = rest.next() {
        if character.is_alphanumeric() || character == '_' || character == '$' {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match character {
            // A quote inside is doubled, which looks like an end and a new beginning.
            '\'' | '"' | '`' => skip_to(&mut rest, character),
            '[' => skip_to(&mut rest, ']'),
            '-' if rest.peek() == Some(&'-') => skip_to(&mut rest, '\n'),
            '/' if rest.peek() == Some(&'*') => {
                rest.next();
                let mut last = ' ';
                for next in rest.by_ref() {
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
            }
            _ => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn skip_to(rest: &mut impl Iterator<Item = char>, end: char) {
    let _ = rest.find(|character| *character == end);
}

#[cfg(test)]
mod tests {
    use super::{runs_before_and_takes, words};

    fn says_fail(sql: &str) -> bool {
        words(sql)
            .iter()
            .any(|word| word.eq_ignore_ascii_case("fail"))
    }

    #[test]
    fn the_word_counts_where_it_is_a_word() {
        for sql in [
            "CREATE TABLE t (a UNIQUE ON CONFLICT FAIL)",
            "CREATE TRIGGER t BEFORE INSERT ON u BEGIN SELECT RAISE(FAIL, 'no'); END",
            "CREATE TRIGGER t BEFORE INSERT ON u BEGIN SELECT raise ( /* so */ fail , 'no'); END",
            "CREATE TRIGGER t BEFORE INSERT ON u BEGIN INSERT OR FAIL INTO v VALUES ('it''s'); END",
            "fail",
        ] {
            assert!(says_fail(sql), "{sql}");
        }
    }

    #[test]
    fn it_does_not_count_in_names_literals_and_comments() {
        for sql in [
            "CREATE TABLE failures (has_failed BOOLEAN, fail_count INTEGER)",
            "CREATE TABLE t (state TEXT CHECK (state IN ('ok', 'fail')))",
            "CREATE TABLE t (state TEXT DEFAULT 'it''s a fail')",
            "CREATE TABLE t (\"fail\" TEXT, [fail] TEXT, `fail` TEXT)",
            "CREATE TABLE t (a TEXT -- may fail\n, b TEXT /* must not fail */)",
        ] {
            assert!(!says_fail(sql), "{sql}");
        }
    }

    #[test]
    fn a_trigger_takes_a_row_away_if_it_runs_before() {
        for (sql, by_update, by_delete) in [
            (
                "CREATE TRIGGER a BEFORE UPDATE ON t BEGIN DELETE FROM t; END",
                true,
                false,
            ),
            (
                "CREATE TRIGGER a UPDATE OF b, c ON t BEGIN UPDATE t SET id = 1; END",
                true,
                false,
            ),
            (
                "create temp trigger a delete on t begin replace into u values (1); end",
                true,
                true,
            ),
            (
                "CREATE TRIGGER a BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'delete'); END",
                false,
                false,
            ),
            (
                "CREATE TRIGGER a AFTER DELETE ON t BEGIN DELETE FROM u; END",
                false,
                false,
            ),
            (
                "CREATE TRIGGER a BEFORE INSERT ON t BEGIN DELETE FROM u; END",
                false,
                false,
            ),
            (
                "CREATE TRIGGER \"on\" BEFORE DELETE ON t BEGIN UPDATE u SET a = 1; END",
                true,
                true,
            ),
            (
                "CREATE TRIGGER a BEFORE UPDATE ON t BEGIN INSERT INTO u VALUES (1); END",
                false,
                false,
            ),
        ] {
            assert_eq!(runs_before_and_takes(sql, false), by_update, "{sql}");
            assert_eq!(runs_before_and_takes(sql, true), by_delete, "{sql}");
        }
    }
}
