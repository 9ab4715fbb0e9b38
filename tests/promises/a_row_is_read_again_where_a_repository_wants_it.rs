//! A row is read again behind the statement that wrote it, in a repository with `reread`: what a
//! database returns of a statement is the row before AFTER triggers ran.

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    items (id) {
        id -> BigInt,
        title -> Text,
        version -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items)]
pub struct Item {
    pub id: i64,
    pub title: String,
    pub version: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = items)]
pub struct NewItem {
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = items)]
pub struct ItemChanges {
    pub title: Option<String>,
}

impl Validate for NewItem {}
impl Validate for ItemChanges {}

mod silent {
    use super::*;
    own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges, reread);
}

mod heard {
    use super::*;
    own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges, reread, shared_entity);

    #[receiver(item_post_create, item_post_update)]
    fn see(item: &Item, #[state] trace: &Trace) {
        trace.note(format!("{} {}", item.title, item.version));
    }
}

/// A trigger of MySQL's cannot write its own table: there it runs before the statement.
fn table() -> &'static [&'static str] {
    match NAME {
        "SQLite" => &[
            "CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0)",
            "CREATE TRIGGER slug AFTER INSERT ON items BEGIN \
             UPDATE items SET title = lower(NEW.title) WHERE id = NEW.id; END",
            "CREATE TRIGGER bump AFTER UPDATE OF title ON items BEGIN \
             UPDATE items SET version = OLD.version + 1 WHERE id = NEW.id; END",
        ],
        "PostgreSQL" => &[
            "CREATE TABLE items (id BIGSERIAL PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0)",
            "CREATE FUNCTION slug() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             UPDATE items SET title = lower(NEW.title) WHERE id = NEW.id; RETURN NULL; END $$",
            "CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             UPDATE items SET version = OLD.version + 1 WHERE id = NEW.id; RETURN NULL; END $$",
            "CREATE TRIGGER slug AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION slug()",
            "CREATE TRIGGER bump AFTER UPDATE OF title ON items FOR EACH ROW EXECUTE FUNCTION bump()",
        ],
        _ => &[
            "CREATE TABLE items (id BIGINT AUTO_INCREMENT PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0)",
            "CREATE TRIGGER slug BEFORE INSERT ON items FOR EACH ROW SET NEW.title = lower(NEW.title), NEW.version = 1",
            "CREATE TRIGGER bump BEFORE UPDATE ON items FOR EACH ROW SET NEW.version = OLD.version + 1",
        ],
    }
}

fn new(title: &str) -> NewItem {
    NewItem {
        title: title.into(),
    }
}

fn titled(title: &str) -> ItemChanges {
    ItemChanges {
        title: Some(title.into()),
    }
}

macro_rules! checks {
    ($name:ident, $items:expr, $is_heard:literal) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some(database) = Database::empty() else {
                return Ok(());
            };
            for statement in table() {
                database.connection().batch_execute(statement).unwrap();
            }
            let trace = Trace::new();
            let mut session = database.session().with_state(trace.clone());
            let items = $items;
            let one = items.create(&mut session, new("ADA"))?;
            let mut written = vec![one.clone()];
            written.extend(items.create_many(&mut session, ["BOB", "EVE"].map(new))?);
            for row in &written {
                assert_eq!(items.find(&mut session, row.id)?.as_ref(), Some(row));
            }
            assert_eq!(one.title, "ada");

            let updated = items.update(&mut session, one.id, titled("x"))?;
            assert_eq!(updated.version, one.version + 1);
            let mut again = vec![updated];
            let ids = [written[2].id, written[1].id];
            again.extend(items.update_many(&mut session, ids, titled("y"))?);
            for row in &again {
                assert_eq!(items.find(&mut session, row.id)?.as_ref(), Some(row));
            }
            let told: Vec<_> = written
                .iter()
                .chain(&again)
                .map(|row| format!("{} {}", row.title, row.version))
                .collect();
            assert_eq!(trace.take(), if $is_heard { told } else { Vec::new() });
            Ok(())
        }
    };
}

checks!(unheard, silent::Items, false);
checks!(heard_by_somebody, heard::Items, true);

/// What SQLite returns of a view is what was asked for, whatever the trigger makes of it.
#[test]
fn of_a_view_too() -> lback::Result<()> {
    if NAME != "SQLite" {
        return Ok(());
    }
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    database.connection().batch_execute(
        "CREATE TABLE stored (id INTEGER PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL); \
         INSERT INTO stored VALUES (1, 'as it was', 0); \
         CREATE VIEW items AS SELECT id, title, version FROM stored; \
         CREATE TRIGGER swallow INSTEAD OF UPDATE ON items BEGIN SELECT 1; END",
    )?;
    let updated = silent::Items.update(&mut database.session(), 1, titled("changed"))?;
    assert_eq!(updated.title, "as it was");
    Ok(())
}
