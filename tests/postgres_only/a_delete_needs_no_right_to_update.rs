//! A delete needs no right to update, whoever listens: it locks nothing beforehand. What receivers were
//! shown is what goes, or the delete is an error that may be tried again.

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    items (id) {
        id -> Integer,
        title -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items)]
pub struct Item {
    pub id: i32,
    pub title: String,
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

own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges);

/// Another connection.
struct Other(std::sync::Mutex<Native>);

#[receiver(item_pre_delete)]
fn look(item: &Item, #[state] other: &Other) -> QueryResult<()> {
    let change = match &*item.title {
        "changed meanwhile" => "UPDATE items SET title = 'other' WHERE title = 'changed meanwhile'",
        "gone meanwhile" => "DELETE FROM items WHERE title = 'gone meanwhile'",
        _ => return Ok(()),
    };
    other.0.lock().unwrap().batch_execute(change)
}

#[receiver(item_post_delete)]
fn gone(item: &Item, #[state] trace: &Trace) {
    trace.note(&*item.title);
}

const TABLE: &str = "CREATE TABLE items (id SERIAL PRIMARY KEY, title TEXT NOT NULL); \
     INSERT INTO items (title) VALUES ('a'), ('b'), ('c'), ('changed meanwhile'), ('gone meanwhile')";

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    database.connection().batch_execute(TABLE).unwrap();
    let trace = Trace::new();
    let other = Other(std::sync::Mutex::new(database.connection()));
    let session = database
        .session()
        .with_state(trace.clone())
        .with_state(other);
    Some((database, session, trace))
}

/// A trigger before a delete may take the row away, so the row is locked where that is allowed.
const TRIGGER: &str = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; \
     CREATE TRIGGER keep BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION keep();";

/// There is none for UPDATE.
const POLICIES: &str = "ALTER TABLE items ENABLE ROW LEVEL SECURITY; \
     CREATE POLICY see ON items FOR SELECT USING (true); \
     CREATE POLICY remove ON items FOR DELETE USING (true);";

#[test]
fn a_role_that_may_not_update_may_delete() -> lback::Result<()> {
    for (more, rights) in [
        ("", "SELECT, DELETE"),
        (TRIGGER, "SELECT, DELETE"),
        (&format!("{TRIGGER} {POLICIES}"), "SELECT, DELETE, UPDATE"),
    ] {
        let Some((database, mut session, trace)) = opened() else {
            return Ok(());
        };
        let mut owner = database.connection();
        let role = format!("reader_{}", std::process::id());
        owner
            .batch_execute(&format!(
                "{more} DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; \
                 GRANT {rights} ON items TO {role}; \
                 DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {role}', current_schema()); END $$; \
                 INSERT INTO items (title) VALUES ('of the owner')"
            ))
            .unwrap();
        // What the owner may is not believed of the role.
        Items.delete(&mut session, 6)?;
        session.conn().batch_execute(&format!("SET ROLE {role}"))?;
        let one = Items.delete(&mut session, 1);
        let many = Items.delete_many(&mut session, [2, 3]);
        session.conn().batch_execute("RESET ROLE")?;
        owner
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .unwrap();
        one?;
        many?;
        assert_eq!(trace.take(), ["of the owner", "a", "b", "c"], "{more}");
    }
    Ok(())
}

#[test]
fn a_row_that_is_changed_meanwhile_is_not_deleted() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened() else {
        return Ok(());
    };
    let error = Items.delete(&mut session, 4).unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(
        Items
            .find(&mut session, 4)?
            .map(|item| item.title)
            .as_deref(),
        Some("other")
    );
    let changed = "UPDATE items SET title = 'changed meanwhile' WHERE id = 4";
    session.conn().batch_execute(changed)?;
    let error = Items.delete_many(&mut session, [1, 4]).unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(Items.count(&mut session)?, 5);
    assert_eq!(trace.take(), [""; 0]);

    // Now it stays as it was seen.
    Items.delete(&mut session, 4)?;
    assert_eq!(trace.take(), ["other"]);
    let gone = Items.delete(&mut session, 5);
    assert!(
        matches!(gone, Err(lback::Error::NotFound { .. })),
        "{gone:?}"
    );
    Ok(())
}
