//! What the schema says of itself, as the text of its definitions.

use std::iter::Peekable;
use std::str::Chars;

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

/// Those of the temporary database and of the main one.
pub(super) fn definitions(connection: &mut SqliteConnection) -> QueryResult<Vec<Definition>> {
    let mut definitions = of_schema(connection, TEMPORARY)?;
    definitions.extend(of_schema(connection, "main")?);
    Ok(definitions)
}

/// Whether no database is attached.
pub(super) fn is_alone(connection: &mut SqliteConnection) -> QueryResult<bool> {
    Ok(schemas(connection)?.len() == 1)
}

/// The main database and those that are attached, in the order in which SQLite looks for a name behind the temporary
/// one.
fn schemas(connection: &mut SqliteConnection) -> QueryResult<Vec<Schema>> {
    diesel::sql_query("SELECT name FROM pragma_database_list WHERE name <> 'temp' ORDER BY seq")
        .load(connection)
}

/// Those that a statement about this table may have to do with. A trigger reaches the tables of its own database,
/// and a temporary one those of all. Another database is not read, for that would take a lock on it.
pub(super) fn definitions_around(
    connection: &mut SqliteConnection,
    schema: Option<&str>,
    table: &str,
) -> QueryResult<Vec<Definition>> {
    let mut definitions = of_schema(connection, TEMPORARY)?;
    let reaches_all = definitions.iter().any(Definition::is_trigger);
    if let (Some(schema), false) = (schema, reaches_all) {
        definitions.extend(of_schema(connection, schema)?);
        return Ok(definitions);
    }
    for schema in schemas(connection)? {
        if !reaches_all && definitions.iter().any(|it| it.is_relation_named(table)) {
            break;
        }
        definitions.extend(of_schema(connection, &schema.name)?);
    }
    Ok(definitions)
}

const TEMPORARY: &str = "temp";

fn of_schema(connection: &mut SqliteConnection, schema: &str) -> QueryResult<Vec<Definition>> {
    let master = if schema.eq_ignore_ascii_case(TEMPORARY) {
        "sqlite_temp_master".to_owned()
    } else {
        format!("\"{}\".sqlite_master", schema.replace('"', "\"\""))
    };
    // What they say is looked at here: LIKE is as the connection has been told to be.
    diesel::sql_query(format!(
        "SELECT type AS kind, tbl_name AS \"table\", sql FROM {master} WHERE sql IS NOT NULL"
    ))
    .load(connection)
}

impl Definition {
    /// Whether a word stands in it, outside of literals, quoted names and comments.
    pub(super) fn says(&self, word: &str) -> bool {
        parts(&self.sql).iter().any(|part| part.is_word(word))
    }

    fn is_trigger(&self) -> bool {
        self.kind == "trigger"
    }

    fn is_relation_named(&self, name: &str) -> bool {
        matches!(self.kind.as_str(), "table" | "view") && self.table.eq_ignore_ascii_case(name)
    }

    /// Whether a statement may leave a part of what it did, when it fails.
    ///
    /// The conflict resolution FAIL does so, by a constraint (`ON CONFLICT FAIL`), a statement (`INSERT OR FAIL`) or a
    /// trigger (`RAISE(FAIL, ..)`): <https://sqlite.org/lang_conflict.html>. And SQLite keeps the means to undo a
    /// statement only where it foresees that it may fail. It does not foresee a wrong type in a STRICT table, too
    /// many levels of triggers, or a cascade that a trigger stops (seen with 3.40 and 3.53).
    pub(super) fn may_leave_part(&self) -> bool {
        self.is_trigger() || self.says("fail") || self.says("strict")
    }

    pub(super) fn is_view_named(&self, name: &str) -> bool {
        self.kind == "view" && self.table.eq_ignore_ascii_case(name)
    }

    /// Whether a row of this table that is written may take the place of others: by ON CONFLICT REPLACE, or by what
    /// a trigger does.
    pub(super) fn may_overwrite(&self, table: &str, all: &[Definition]) -> bool {
        let takes = || {
            Trigger::of(&self.sql).is_none_or(|trigger| {
                !matches!(trigger.event, Event::Delete)
                    && takes(&trigger.does, all, &mut Vec::new())
            })
        };
        self.table.eq_ignore_ascii_case(table)
            && match self.kind.as_str() {
                "table" => self.says("replace"),
                "trigger" => takes(),
                _ => false,
            }
    }

    /// Whether it runs before a row of this table is updated or deleted, and may take a row away, by itself or by
    /// what it sets off. If that is the row, SQLite passes over it and counts none.
    pub(super) fn may_take_away(
        &self,
        table: &str,
        by_delete_alone: bool,
        all: &[Definition],
    ) -> bool {
        self.is_trigger()
            && self.table.eq_ignore_ascii_case(table)
            && Trigger::of(&self.sql).is_none_or(|trigger| {
                let is_wanted = match trigger.event {
                    Event::Delete => true,
                    Event::Update => !by_delete_alone,
                    Event::Insert => false,
                };
                is_wanted && !trigger.is_after && takes(&trigger.does, all, &mut Vec::new())
            })
    }
}

enum Event {
    Insert,
    Update,
    Delete,
}

struct Trigger {
    event: Event,
    /// BEFORE need not be said.
    is_after: bool,
    /// What stands behind ON.
    does: Vec<Part>,
}

impl Trigger {
    fn of(sql: &str) -> Option<Self> {
        let mut head = parts(sql);
        let does = head.split_off(head.iter().position(|part| part.is_word("on"))?);
        let event = |part: &Part| {
            let events = [
                ("insert", Event::Insert),
                ("update", Event::Update),
                ("delete", Event::Delete),
            ];
            let found = events.into_iter().find(|(word, _)| part.is_word(word));
            found.map(|(_, event)| event)
        };
        let at = head.iter().rposition(|part| event(part).is_some())?;
        Some(Self {
            event: event(&head[at])?,
            is_after: at > 0 && head[at - 1].is_word("after"),
            does,
        })
    }
}

/// Whether what a trigger does may take rows away: by itself, or since it inserts, and a trigger on what it
/// inserts into, or that table's ON CONFLICT REPLACE, takes some.
fn takes(does: &[Part], all: &[Definition], seen: &mut Vec<usize>) -> bool {
    let says = |word| does.iter().any(|part| part.is_word(word));
    if says("update") || says("delete") || says("replace") {
        return true;
    }
    says("insert")
        && all.iter().enumerate().any(|(place, other)| {
            let is_named = does.iter().any(|part| part.is_named(&other.table));
            if !is_named || seen.contains(&place) {
                return false;
            }
            seen.push(place);
            match other.kind.as_str() {
                "table" => other.says("replace"),
                "trigger" => Trigger::of(&other.sql).is_none_or(|trigger| {
                    matches!(trigger.event, Event::Insert) && takes(&trigger.does, all, seen)
                }),
                _ => false,
            }
        })
}

/// A part of a definition that may be a name.
enum Part {
    Word(String),
    /// Something in quotes, of whichever kind: SQLite takes them all for names.
    Quoted(String),
}

impl Part {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(it) if it.eq_ignore_ascii_case(word))
    }

    fn is_named(&self, name: &str) -> bool {
        let (Self::Word(it) | Self::Quoted(it)) = self;
        it.eq_ignore_ascii_case(name)
    }
}

/// The words of a definition, and what stands in quotes, without comments.
fn parts(sql: &str) -> Vec<Part> {
    let mut rest = sql.chars().peekable();
    let mut parts = Vec::new();
    let mut word = String::new();
    while let Some(character) = rest.next() {
        if character.is_alphanumeric() || character == '_' || character == '$' {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            parts.push(Part::Word(std::mem::take(&mut word)));
        }
        match character {
            '\'' | '"' | '`' => parts.push(Part::Quoted(quoted(&mut rest, character))),
            '[' => parts.push(Part::Quoted(quoted(&mut rest, ']'))),
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
        parts.push(Part::Word(word));
    }
    parts
}

/// What stands before a quote. One that is doubled is one inside.
fn quoted(rest: &mut Peekable<Chars<'_>>, quote: char) -> String {
    let mut inside = String::new();
    while let Some(character) = rest.next() {
        if character == quote && (quote == ']' || rest.next_if_eq(&quote).is_none()) {
            break;
        }
        inside.push(character);
    }
    inside
}

fn skip_to(rest: &mut impl Iterator<Item = char>, end: char) {
    let _ = rest.find(|character| *character == end);
}

#[cfg(test)]
mod tests {
    use super::Definition;

    fn definition(kind: &str, table: &str, sql: &str) -> Definition {
        Definition {
            kind: kind.to_owned(),
            table: table.to_owned(),
            sql: sql.to_owned(),
        }
    }

    fn says_fail(sql: &str) -> bool {
        definition("table", "t", sql).says("fail")
    }

    /// A trigger on `t`, where nothing else is defined.
    fn takes(sql: &str, by_delete_alone: bool) -> bool {
        definition("trigger", "t", sql).may_take_away("T", by_delete_alone, &[])
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
            assert_eq!(takes(sql, false), by_update, "{sql}");
            assert_eq!(takes(sql, true), by_delete, "{sql}");
        }
    }

    #[test]
    fn what_a_trigger_sets_off_may_take_a_row_away() {
        let queue = "CREATE TRIGGER a BEFORE DELETE ON t BEGIN INSERT INTO \"the queue\" VALUES (OLD.id); END";
        let passes_on = |on, into| {
            let sql = format!(
                "CREATE TRIGGER b AFTER INSERT ON [{on}] BEGIN INSERT INTO {into} VALUES (NEW.id); END"
            );
            definition("trigger", on, &sql)
        };
        let ends = |event| {
            let sql = format!("CREATE TRIGGER c AFTER {event} ON u BEGIN DELETE FROM t; END");
            definition("trigger", "u", &sql)
        };
        let table = |sql| definition("table", "u", sql);
        for (others, may_take) in [
            (vec![passes_on("the queue", "u"), ends("INSERT")], true),
            (vec![passes_on("THE QUEUE", "'U'"), ends("INSERT")], true),
            (vec![passes_on("the queue", "u"), ends("UPDATE")], false),
            (vec![passes_on("another", "u"), ends("INSERT")], false),
            (vec![passes_on("the queue", "`the queue`")], false),
            (
                vec![
                    passes_on("the queue", "u"),
                    table("CREATE TABLE u (id UNIQUE ON CONFLICT REPLACE)"),
                ],
                true,
            ),
            (
                vec![passes_on("the queue", "u"), table("CREATE TABLE u (id)")],
                false,
            ),
        ] {
            let trigger = definition("trigger", "t", queue);
            let told: Vec<_> = others.iter().map(|it| it.sql.as_str()).collect();
            assert_eq!(
                trigger.may_take_away("t", true, &others),
                may_take,
                "{told:?}"
            );
        }
    }
}
