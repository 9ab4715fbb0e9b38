//! What the text of a statement tells.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::QueryFragment;

/// How a database's statements are written.
// Not public API. Public for `Dialect`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `?` and `` `name` ``, as SQLite's are by Diesel.
    Sqlite,
    /// `$1` and `"name"`.
    Postgres,
    /// `?` and `` `name` ``, with backslashes in literals.
    Mysql,
}

impl Syntax {
    const fn placeholder(self) -> u8 {
        match self {
            Self::Postgres => b'$',
            Self::Sqlite | Self::Mysql => b'?',
        }
    }

    const fn is_quote(self, byte: u8) -> bool {
        match self {
            Self::Postgres => matches!(byte, b'\'' | b'"'),
            Self::Sqlite | Self::Mysql => matches!(byte, b'\'' | b'"' | b'`'),
        }
    }

    /// How many values a statement binds, or might: another row may have a value where this one
    /// leaves the column to the database.
    pub(crate) fn binds(self, text: &str) -> usize {
        let mut binds = 0;
        self.scan(text, |place, byte| {
            if byte == self.placeholder() || text[place..].starts_with("DEFAULT") {
                binds += 1;
            }
        });
        binds
    }

    /// The columns and the values of `(columns) VALUES (values)`, pair by pair.
    pub(crate) fn row(self, text: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
        let (columns, values) = text.split_once(") VALUES (")?;
        let columns = columns.strip_prefix('(')?;
        let values = values.strip_suffix(')')?;
        Some(self.list(columns).into_iter().zip(self.list(values)))
    }

    /// Whether `(columns) VALUES (values)` names the key that its row shall have. `key` may be
    /// named with its table.
    pub(crate) fn gives(self, text: &str, key: &str) -> bool {
        let column = self.last_name(key);
        self.row(text)
            .is_some_and(|mut row| row.any(|(name, value)| name == column && value != "DEFAULT"))
    }

    /// The last of names with dots between them, quoted as it is.
    pub(crate) fn last_name(self, path: &str) -> &str {
        let mut start = 0;
        self.scan(path, |place, byte| {
            if byte == b'.' {
                start = place + 1;
            }
        });
        &path[start..]
    }

    /// Whether what stands behind SET changes this column, which may be named with its table.
    pub(crate) fn sets(self, text: &str, column: &str) -> bool {
        let column = self.last_name(column);
        self.list(text).iter().any(|assignment| {
            let target = assignment
                .split_once(" = ")
                .map_or("", |(target, _)| target);
            self.last_name(target) == column
        })
    }

    /// The names of a table or a column, without quotes: before the last dot, and behind it.
    pub(crate) fn unquoted(self, path: &str) -> (Option<String>, String) {
        let bare = |name: &str| {
            let quote = name.chars().next().unwrap_or_default();
            let inside = name
                .strip_prefix(quote)
                .and_then(|name| name.strip_suffix(quote));
            inside.map_or_else(
                || name.to_owned(),
                |name| name.replace(&format!("{quote}{quote}"), &quote.to_string()),
            )
        };
        let last = self.last_name(path);
        let before = path
            .strip_suffix(last)
            .and_then(|path| path.strip_suffix('.'));
        (
            before.map(|before| bare(self.last_name(before))),
            bare(last),
        )
    }

    /// What commas part, but for those in brackets and between quotes.
    pub(crate) fn list(self, text: &str) -> Vec<&str> {
        let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
        self.scan(text, |place, byte| match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        });
        parts.push(text[start..].trim());
        parts
    }

    /// Shows each byte that does not stand between quotes. A quote inside quotes is doubled, and so
    /// ends them and begins them again.
    fn scan(self, text: &str, mut show: impl FnMut(usize, u8)) {
        let mut inside = None;
        let mut is_escaped = false;
        for (place, byte) in text.bytes().enumerate() {
            match inside {
                _ if is_escaped => is_escaped = false,
                Some(b'\'') if byte == b'\\' && self == Self::Mysql => is_escaped = true,
                Some(quote) if byte == quote => inside = None,
                Some(_) => {}
                None if self.is_quote(byte) => inside = Some(byte),
                None => show(place, byte),
            }
        }
    }
}

pub(crate) fn text_of<DB, Q>(fragment: &Q) -> QueryResult<String>
where
    DB: Backend<QueryBuilder: Default> + Default,
    Q: QueryFragment<DB>,
{
    use diesel::query_builder::QueryBuilder;

    let mut text = DB::QueryBuilder::default();
    fragment.to_sql(&mut text, &DB::default())?;
    Ok(text.finish())
}

#[cfg(test)]
mod tests {
    use super::Syntax::{self, Mysql, Postgres, Sqlite};

    #[test]
    fn placeholders_are_counted_outside_of_quotes() {
        let row = "(`a?`, `b`) VALUES (?, DEFAULT)";
        assert_eq!([Sqlite, Mysql].map(|syntax| syntax.binds(row)), [2, 2]);
        let row = r#"("a$1", "b?", "c") VALUES ($1, lower('$2'), $2)"#;
        assert_eq!(Postgres.binds(row), 2);
        assert_eq!(Mysql.binds(r"(`a`) VALUES ('it\'s ?' || ?)"), 1);
        assert_eq!(Sqlite.binds("(`a`) VALUES ('it''s ?' || ?)"), 1);
        assert_eq!(Sqlite.binds("DEFAULT VALUES"), 1);
    }

    #[test]
    fn a_row_gives_its_key_or_leaves_it_to_the_database() {
        for (syntax, text, gives) in [
            (Sqlite, "(`id`, `a`) VALUES (?, ?)", true),
            (Sqlite, "(`a`) VALUES (?)", false),
            (Sqlite, "DEFAULT VALUES", false),
            (Mysql, "(`id`, `a`) VALUES (DEFAULT, ?)", false),
            (
                Mysql,
                "(`a`, `id`) VALUES (coalesce(?, ','), DEFAULT)",
                false,
            ),
            (Mysql, "(`a`, `id`) VALUES (coalesce(?, ','), ?)", true),
            (Mysql, "(`a, b`, `id`) VALUES (?, ?)", true),
            (Mysql, "(`a.id`) VALUES (?)", false),
        ] {
            assert_eq!(syntax.gives(text, "`t`.`id`"), gives, "{text}");
        }
        let text = r#"("a", "id") VALUES ($1, DEFAULT)"#;
        assert!(!Postgres.gives(text, r#""s"."t"."id""#));
        assert!(Postgres.gives(text, r#""s"."t"."a""#));
    }

    #[test]
    fn an_update_sets_its_key_or_leaves_it_alone() {
        for (syntax, text, sets) in [
            (Sqlite, "`a` = ?, `id` = ?", true),
            (Sqlite, "`a` = ?", false),
            (Mysql, "`a` = concat(?, `id` = ?)", false),
            (Mysql, "`a` = ', `id` = 1'", false),
            (Mysql, "`a` = coalesce(?, ?),`id` = `id` + 1", true),
        ] {
            assert_eq!(syntax.sets(text, "`t`.`id`"), sets, "{text}");
        }
        assert!(Postgres.sets(r#""id" = $1"#, r#""s"."t"."id""#));
    }

    #[test]
    fn names_lose_their_quotes() {
        let (schema, table) = Postgres.unquoted(r#""s"."a""b""#);
        assert_eq!((schema.as_deref(), &*table), (Some("s"), "a\"b"));
        assert_eq!(Mysql.unquoted("`a.b`"), (None, "a.b".to_owned()));
    }

    #[test]
    fn a_name_may_hold_a_dot() {
        let last = |syntax: Syntax, path| syntax.last_name(path);
        assert_eq!(last(Sqlite, "`t`.`a.b`"), "`a.b`");
        assert_eq!(last(Postgres, r#""a.b""#), r#""a.b""#);
    }
}
