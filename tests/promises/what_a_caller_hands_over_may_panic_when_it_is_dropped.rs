//! What a caller hands over may panic when it is dropped. That goes no further: what was committed does not
//! look failed, and a panic that goes on meets no other.

use crate::database::*;
use crate::promises::panic_of;
use lback_tests::{Trace, note, notes as stored};

diesel::table! {
    notes (id) {
        id -> BigInt,
        what -> Text,
    }
}

/// Panics when it is dropped, but for its clones.
#[derive(Debug, Default, PartialEq)]
pub struct Fuse {
    is_lit: bool,
}

const LIT: Fuse = Fuse { is_lit: true };

impl Clone for Fuse {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!self.is_lit, "in Drop");
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = notes)]
pub struct Note {
    pub id: i64,
    pub what: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = notes)]
pub struct NewNote {
    pub what: String,
    #[diesel(skip_insertion)]
    pub fuse: Fuse,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = notes)]
pub struct NoteChanges {
    pub what: Option<String>,
    #[diesel(skip_update)]
    pub fuse: Fuse,
}

impl Validate for NewNote {}
impl Validate for NoteChanges {}

fn new_note(fuse: Fuse) -> NewNote {
    let what = "new".to_owned();
    NewNote { what, fuse }
}

fn changed(what: &str, fuse: Fuse) -> NoteChanges {
    let what = Some(what.to_owned());
    NoteChanges { what, fuse }
}

mod silent {
    use super::*;
    own_repository!(Notes: entity = Note, table = notes, insert = NewNote, update = NoteChanges);
}

mod heard {
    use super::*;
    own_repository!(Notes: entity = Note, table = notes, insert = NewNote, update = NoteChanges, shared_entity);

    #[receiver(note_post_create, after_commit)]
    fn created(_note: &Note, #[state] trace: &Trace) {
        trace.note("created");
    }

    #[receiver(note_post_update, after_commit)]
    fn changed(_note: &Note, #[state] trace: &Trace) {
        trace.note("changed");
    }
}

mod panicking {
    use super::*;
    own_repository!(Notes: entity = Note, table = notes, insert = NewNote, update = NoteChanges, shared_entity);

    #[receiver(note_post_create)]
    fn panic_at(note: &Note) {
        assert!(note.what != "panic", "in a receiver");
    }
}

macro_rules! operations_on {
    ($repository:expr, $told:expr) => {{
        let repository = $repository;
        let Some(database) = Database::fresh() else {
            return;
        };
        let trace = Trace::new();
        let mut session = database.session().with_state(trace.clone());
        let session = &mut session;

        let one = repository.create(session, new_note(LIT)).expect("stored");
        let two = [new_note(LIT), new_note(LIT)];
        let two = repository.create_many(session, two).expect("stored");
        assert_eq!(two.len(), 2);
        assert_eq!(stored(&mut database.session()), ["new", "new", "new"]);
        repository
            .update(session, one.id, changed("a", LIT))
            .expect("stored");
        repository
            .update_many(session, [&two[0]], changed("b", LIT))
            .expect("stored");
        let last = notes::id.eq(two[1].id);
        let count = repository.update_where(session, last, changed("c", LIT));
        assert_eq!(count.expect("stored"), 1);
        assert_eq!(stored(&mut database.session()), ["a", "b", "c"]);
        repository
            .create_or_update(session, last, new_note(LIT), changed("d", LIT))
            .expect("stored");
        repository
            .create_if_absent(session, last, new_note(LIT))
            .expect("found");
        assert_eq!(stored(&mut database.session()), ["a", "b", "d"]);
        assert_eq!(trace.take(), $told);

        // Inside a transaction, where the operation has none of its own.
        session
            .transaction(|session| repository.create(session, new_note(LIT)))
            .expect("stored");
        assert_eq!(count_notes(&database), 4);
        session.take_failures().assert_none();
    }};
}

fn count_notes(database: &Database) -> usize {
    stored(&mut database.session()).len()
}

#[test]
fn where_nobody_listens() {
    operations_on!(silent::Notes, [""; 0]);
}

#[test]
fn where_effects_wait() {
    let told = [
        "created", "created", "created", "changed", "changed", "changed", "changed",
    ];
    operations_on!(heard::Notes, told);
}

/// Two panics at once would end the program.
#[test]
fn while_a_receiver_panics() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let refused = NewNote {
        what: "panic".to_owned(),
        fuse: LIT,
    };
    let panic = panic_of(|| panicking::Notes.create(&mut session, refused));
    assert_eq!(panic, "in a receiver");
    let two = ["new", "panic"].map(|what| NewNote {
        what: what.to_owned(),
        fuse: LIT,
    });
    let panic = panic_of(|| panicking::Notes.create_many(&mut session, two));
    assert_eq!(panic, "in a receiver");
    assert_eq!(count_notes(&database), 0);
}

#[test]
fn a_closure_that_may_run_again() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let fuse = LIT;
    let done: lback::Result<()> = session.transaction_with_retries(2, move |session| {
        let _ = &fuse;
        Ok(note(session.conn(), "kept")?)
    });
    done.expect("stored");
    assert_eq!(stored(&mut database.session()), ["kept"]);
}
