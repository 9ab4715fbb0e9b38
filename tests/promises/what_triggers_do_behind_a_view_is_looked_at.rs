//! What a statement returns of a view that triggers write behind is what they were asked for. What they did
//! is looked at: a row that they did not write is not told as written.

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::{Trace, count};

use crate::database::*;

diesel::table! {
    notes (id) {
        id -> BigInt,
        title -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = notes)]
pub struct Note {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = notes)]
pub struct NewNote {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = notes)]
pub struct NoteChanges {
    pub title: Option<String>,
}

impl Validate for NewNote {}
impl Validate for NoteChanges {}

mod quiet {
    use super::*;
    own_repository!(Notes: entity = Note, table = notes, insert = NewNote, update = NoteChanges, given_key = id);
}

mod heard {
    use super::*;
    own_repository!(Notes: entity = Note, table = notes, insert = NewNote, update = NoteChanges, given_key = id, shared_entity);

    #[receiver(note_post_create, note_post_update, note_post_delete)]
    fn see(note: &Note, signal: &SignalInfo, #[state] trace: &Trace) {
        trace.note(format!("{} {}", signal.name(), note.title));
    }

    #[receiver(note_post_create, note_post_update, note_post_delete, after_commit)]
    fn stored(signal: &SignalInfo, #[state] trace: &Trace) {
        trace.note(format!("stored {}", signal.name()));
    }
}

/// Titles that are hidden are not shown by the view.
const TABLES: &str = "CREATE TABLE behind (id BIGINT PRIMARY KEY, title VARCHAR(40) NOT NULL);
    INSERT INTO behind VALUES (1, 'one'), (2, 'two');
    CREATE VIEW notes AS SELECT id, title FROM behind WHERE title <> 'hidden';";

/// What triggers do with each of the three statements: nothing.
const SWALLOW: [&str; 3] = ["", "", ""];

/// What they should do.
const WRITE: [&str; 3] = [
    "INSERT INTO behind VALUES (NEW.id, NEW.title);",
    "UPDATE behind SET title = NEW.title WHERE id = OLD.id;",
    "DELETE FROM behind WHERE id = OLD.id;",
];

/// None where views have no triggers of their own.
fn opened(does: [&str; 3]) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let mut connection = database.connection();
    let trigger = |event: &str, does: &str, row: &str| match NAME {
        "SQLite" => Some(format!(
            "CREATE TRIGGER on_{event} INSTEAD OF {event} ON notes BEGIN SELECT 1; {does} END;"
        )),
        "PostgreSQL" => Some(format!(
            "CREATE FUNCTION on_{event}() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN {does} RETURN {row}; END $$; \
             CREATE TRIGGER on_{event} INSTEAD OF {event} ON notes \
             FOR EACH ROW EXECUTE FUNCTION on_{event}();"
        )),
        _ => None,
    };
    connection.batch_execute(TABLES).unwrap();
    for ((event, does), row) in ["INSERT", "UPDATE", "DELETE"]
        .iter()
        .zip(does)
        .zip(["NEW", "NEW", "OLD"])
    {
        connection
            .batch_execute(&trigger(event, does, row)?)
            .unwrap();
    }
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn new(id: i64) -> NewNote {
    let title = "new".into();
    NewNote { id, title }
}

fn titled(title: &str) -> NoteChanges {
    NoteChanges {
        title: Some(title.into()),
    }
}

/// Everything that can be done, with triggers that do nothing. `told` is what receivers hear of an update
/// that changed nothing.
macro_rules! swallowed {
    ($name:ident, $notes:expr, $told:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, trace)) = opened(SWALLOW) else {
                return Ok(());
            };
            let (notes, session) = ($notes, &mut session);
            let told: &[&str] = &$told;
            let swallowed = |result: lback::Result<()>| {
                assert!(
                    matches!(result, Err(Error::Suppressed { .. })),
                    "{result:?}"
                );
                assert_eq!(trace.take(), <[&str; 0]>::default());
            };

            swallowed(notes.create(session, new(7)).map(drop));
            swallowed(notes.create_many(session, [new(7), new(8)]).map(drop));
            swallowed(notes.delete(session, 1));
            swallowed(notes.delete_many(session, [1, 2]));
            swallowed(session.transaction(|session| notes.delete(session, 1)));

            let updated = notes.update(session, 1, titled("changed"))?;
            assert_eq!(updated.title, "one");
            assert_eq!(trace.take(), told);
            let updated = notes.update_many(session, [2, 1], titled("changed"))?;
            let titles: Vec<_> = updated.iter().map(|note| note.title.as_str()).collect();
            assert_eq!(titles, ["two", "one"]);
            trace.take();

            assert_eq!(notes.count(session)?, 2);
            Ok(())
        }
    };
}

swallowed!(unheard, quiet::Notes, []);
swallowed!(
    heard_by_somebody,
    heard::Notes,
    ["note_post_update one", "stored note_post_update"]
);

/// A row that the view shows no more was written all the same.
macro_rules! written {
    ($name:ident, $notes:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, _trace)) = opened(WRITE) else {
                return Ok(());
            };
            let (notes, session) = ($notes, &mut session);
            assert_eq!(notes.create(session, new(7))?.title, "new");
            let many = notes.create_many(session, [new(8), new(9)])?;
            assert_eq!(many.len(), 2);
            assert_eq!(notes.update(session, 7, titled("x"))?.title, "x");
            assert_eq!(notes.update(session, 7, titled("hidden"))?.title, "hidden");
            let hidden = notes.update_many(session, [8, 1], titled("hidden"))?;
            assert_eq!(
                hidden.iter().map(|note| note.id).collect::<Vec<_>>(),
                [8, 1]
            );
            notes.delete(session, 2)?;
            assert_eq!(notes.count(session)?, 1);
            notes.delete_many(session, [9])?;
            assert_eq!(notes.count(session)?, 0);
            assert_eq!(count("behind", session), 3);
            Ok(())
        }
    };
}

written!(as_asked_for_and_unheard, quiet::Notes);
written!(as_asked_for_and_heard, heard::Notes);
