//! Whether a statement that failed can have left a part of its work.
//!
//! SQLite undoes a statement that fails, but for one case: the conflict resolution FAIL, by a
//! constraint (`ON CONFLICT FAIL`), a statement (`INSERT OR FAIL`) or a trigger (`RAISE(FAIL, ..)`),
//! keeps what was done before (<https://sqlite.org/lang_conflict.html>). An error does not tell which
//! resolution it came by, so after a failure the schema is asked whether it knows FAIL at all.

use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Schema {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Whether FAIL stands anywhere in the schema. If it cannot be read, it may.
pub(super) fn may_stand(connection: &mut SqliteConnection) -> bool {
    definitions(connection).map_or(true, |definitions| {
        definitions
            .iter()
            .any(|definition| says_fail(&definition.sql))
    })
}

fn definitions(connection: &mut SqliteConnection) -> QueryResult<Vec<Definition>> {
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
        let query = format!("SELECT sql FROM {table} WHERE sql LIKE '%fail%'");
        definitions.extend(diesel::sql_query(query).load::<Definition>(connection)?);
    }
    Ok(definitions)
}

/// Whether the word FAIL stands in a definition, outside of literals, quoted names and comments.
fn says_fail(sql: &str) -> bool {
    let mut rest = sql.chars().peekable();
    let mut word = String::new();
    while let Some(character) = rest.next() {
        if character.is_alphanumeric() || character == '_' || character == '$' {
            word.push(character);
            continue;
        }
        if word.eq_ignore_ascii_case("fail") {
            return true;
        }
        word.clear();
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
    word.eq_ignore_ascii_case("fail")
}

fn skip_to(rest: &mut impl Iterator<Item = char>, end: char) {
    let _ = rest.find(|character| *character == end);
}

#[cfg(test)]
mod tests {
    use super::says_fail;

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
}
