//! SQLite knows a table's schema everywhere but behind RETURNING.

use crate::database::*;
use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use lback::{Page, Validate};

diesel::table! {
    archive.notes (id) {
        id -> BigInt,
        text -> Text,
        pages -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = notes)]
struct Note {
    id: i64,
    text: String,
    pages: i32,
}

/// A column is left to the database where it is `None`.
#[derive(Debug, Default, Insertable)]
#[diesel(table_name = notes)]
struct NewNote {
    text: Option<String>,
    pages: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = notes)]
struct NoteChanges {
    text: Option<String>,
}

impl Validate for NewNote {}
impl Validate for NoteChanges {}

#[lback::repository(
    entity = Note,
    table = notes,
    insert = NewNote,
    update = NoteChanges,
    connection = SqliteConnection
)]
struct Notes;

/// The rows of `Note`, with a column that is compared with a value.
#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = notes)]
struct Judged {
    id: i64,
    #[diesel(select_expression = notes::text.eq("long"))]
    #[diesel(select_expression_type = diesel::dsl::Eq<notes::text, &'static str>)]
    is_long: bool,
}

#[lback::repository(
    entity = Judged,
    table = notes,
    insert = NewNote,
    update = NoteChanges,
    connection = SqliteConnection
)]
struct JudgedNotes;

fn archive() -> Session {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    let attach = "ATTACH ':memory:' AS archive; \
                  CREATE TABLE archive.notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT '-', \
                  pages INTEGER NOT NULL DEFAULT 1);";
    session.conn().batch_execute(attach).unwrap();
    session
}

fn new(text: Option<&str>, pages: Option<i32>) -> NewNote {
    let text = text.map(ToOwned::to_owned);
    NewNote { text, pages }
}

#[test]
fn rows_are_written_read_and_deleted_there() {
    let mut session = archive();
    let one = Notes.create(&mut session, new(Some("a"), None)).unwrap();
    assert_eq!((&*one.text, one.pages), ("a", 1));
    let default = Notes.create(&mut session, NewNote::default()).unwrap();
    assert_eq!((&*default.text, default.pages), ("-", 1));

    let data = [
        new(Some("b"), None),
        new(Some("c"), None),
        new(None, Some(7)),
        NewNote::default(),
    ];
    let many = Notes.create_many(&mut session, data).unwrap();
    let stored: Vec<_> = many.iter().map(|note| (&*note.text, note.pages)).collect();
    assert_eq!(stored, [("b", 1), ("c", 1), ("-", 7), ("-", 1)]);

    let changes = NoteChanges {
        text: Some("d".to_owned()),
    };
    let changed = Notes.update(&mut session, &one, changes.clone()).unwrap();
    assert_eq!(changed.text, "d");
    let changed = Notes.update_many(&mut session, &many, changes).unwrap();
    assert!(changed.iter().all(|note| note.text == "d"));
    assert_eq!(Notes.find(&mut session, one.id).unwrap().unwrap().text, "d");

    Notes.delete(&mut session, &one).unwrap();
    assert!(!Notes.exists(&mut session, one.id).unwrap());
    assert_eq!(Notes.list(&mut session, Page::new(0, 9)).unwrap().len(), 5);
}

#[test]
fn a_selection_that_binds_is_refused() {
    let mut session = archive();
    Notes.create(&mut session, new(Some("long"), None)).unwrap();
    let found = JudgedNotes.find(&mut session, 1);
    let error = found.map(|note| note.map(|note| note.is_long)).unwrap_err();
    assert!(error.to_string().contains("binds values"), "{error}");
}

/// A run of one row is a statement that comes again.
#[test]
fn rows_that_take_turns_are_prepared_once_a_kind() {
    let mut session = archive();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let inserts = Arc::clone(&kept);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                inserts.lock().unwrap().push(sql.to_owned());
            }
        });
    let turns = (0..100).map(|row| match row % 2 {
        0 => new(Some("a"), None),
        _ => new(None, Some(2)),
    });
    Notes.create_many(&mut session, turns).unwrap();
    assert_eq!(Notes.count(&mut session).unwrap(), 100);
    let mut kept = kept.lock().unwrap().clone();
    kept.retain(|sql| sql.starts_with("INSERT"));
    assert_eq!(kept.len(), 2, "{kept:?}");
}
