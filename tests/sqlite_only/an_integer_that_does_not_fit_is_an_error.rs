//! An integer that does not fit is an error. SQLite's have 64 bits, whatever their column is declared as:
//! read with fewer, one would be cut off, and a key be another row's.

use diesel::connection::SimpleConnection;
use lback::{Error, Page};

use crate::database::*;

diesel::table! {
    items (id) {
        id -> Integer,
        title -> Text,
        parent -> Nullable<SmallInt>,
        is_open -> Bool,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items)]
pub struct Item {
    pub id: i32,
    pub title: String,
    pub parent: Option<i16>,
    pub is_open: bool,
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

fn opened() -> (Database, Session) {
    let database = Database::empty().expect("SQLite is always there");
    let mut session = database.session();
    session
        .conn()
        .batch_execute(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT NOT NULL, parent INTEGER, \
             is_open BOOLEAN NOT NULL DEFAULT TRUE)",
        )
        .unwrap();
    (database, session)
}

fn insert(session: &mut Session, id: i64, parent: Option<i64>) {
    let parent = parent.map_or("NULL".to_owned(), |parent| parent.to_string());
    let row = format!("INSERT INTO items (id, title, parent) VALUES ({id}, 'one', {parent})");
    session.conn().batch_execute(&row).unwrap();
}

fn too_wide<T: std::fmt::Debug>(column: &str, done: lback::Result<T>) {
    let error = done.expect_err("it does not fit");
    let is_said = matches!(error, Error::Database(_) | Error::Unreadable { .. });
    assert!(is_said, "{error:?}");
    let text = format!("{error:?}");
    assert!(
        text.contains(&format!("`{column}`")) && text.contains("BigInt"),
        "{text}"
    );
    assert!(
        !text.contains("4294967297") && !text.contains("32768"),
        "{text}"
    );
}

#[test]
fn a_key_beyond_32_bits_is_not_another_rows() -> lback::Result<()> {
    let (_database, mut session) = opened();
    insert(&mut session, 1, None);
    insert(&mut session, 4_294_967_297, None);
    too_wide("id", Items.list(&mut session, Page::new(0, 10)));
    assert_eq!(Items.find(&mut session, 1)?.map(|item| item.id), Some(1));
    // The next key is one more than the last.
    let created = Items.create(
        &mut session,
        NewItem {
            title: "new".into(),
        },
    );
    too_wide("id", created);
    let many = ["new", "newer"].map(|title| NewItem {
        title: title.into(),
    });
    too_wide("id", Items.create_many(&mut session, many));
    assert_eq!(Items.count(&mut session)?, 2);
    Ok(())
}

#[test]
fn other_columns_are_not_cut_off_either() -> lback::Result<()> {
    let (_database, mut session) = opened();
    insert(&mut session, 1, Some(32_768));
    too_wide("parent", Items.find(&mut session, 1));
    too_wide("parent", Items.find_many(&mut session, [1]));
    let titled = ItemChanges {
        title: Some("two".into()),
    };
    too_wide("parent", Items.update(&mut session, 1, titled.clone()));
    let title: String = items::table.select(items::title).first(session.conn())?;
    assert_eq!(title, "one", "what could not be told was undone");
    Ok(())
}

#[test]
fn a_truth_beyond_32_bits_is_not_taken_for_false() -> lback::Result<()> {
    let (_database, mut session) = opened();
    insert(&mut session, 1, None);
    // Of 32 bits, as Diesel reads a `Bool`, none is set; and SQL says it is true.
    let beyond = "UPDATE items SET is_open = 4294967296";
    session.conn().batch_execute(beyond).unwrap();
    let is_open = items::table.filter(items::is_open).count();
    assert_eq!(is_open.get_result::<i64>(session.conn())?, 1);
    let diesels = items::table.select(items::is_open);
    assert!(!diesels.first::<bool>(session.conn())?);
    too_wide("is_open", Items.find(&mut session, 1));
    Ok(())
}

#[test]
fn what_just_fits_is_read() -> lback::Result<()> {
    let (_database, mut session) = opened();
    let edges = [(i32::MAX, i16::MAX), (i32::MIN, i16::MIN), (0, -1)];
    for (id, parent) in edges {
        insert(&mut session, i64::from(id), Some(i64::from(parent)));
        let found = Items.find(&mut session, id)?.expect("it is there");
        assert_eq!((found.id, found.parent), (id, Some(parent)));
    }
    Ok(())
}
