//! SQLite can roll back the whole transaction from inside a statement (`ON CONFLICT ROLLBACK`,
//! `RAISE(ROLLBACK)`, `INSERT OR ROLLBACK`), leave a part of a statement that fails (`RAISE(FAIL)`),
//! or skip a row in silence (`RAISE(IGNORE)`). None of these is taken for anything else.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::parcels::{Parcel, create_table, parcel, parcels};
use lback_tests::{Trace, count};

use crate::database::*;

mod quiet {
    use super::*;

    own_parcels!();
}

own_parcels!();

#[receiver(parcel_post_create, after_commit)]
fn stored(parcel: &Parcel, #[state] trace: &Trace) {
    trace.note(format!("stored {}", parcel.content));
}

#[receiver(parcel_post_create, after_rollback)]
fn lost(parcel: &Parcel, #[state] trace: &Trace) {
    trace.note(format!("lost {}", parcel.content));
}

fn opened(more: &str) -> (Database, Session, Trace) {
    let database = Database::empty().expect("there is always a SQLite");
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    create_table(session.conn(), MADE_KEY, "");
    session.conn().batch_execute(more).expect("it is SQL");
    (database, session, trace)
}

fn contents(database: &Database) -> Vec<String> {
    parcels::table
        .select(parcels::content)
        .order(parcels::id)
        .load(&mut database.connection())
        .expect("they can be read")
}

/// First one row, then one that ends the transaction and is passed over, then another.
fn three(session: &mut Session) -> lback::Result<()> {
    session.transaction(|session| {
        Parcels.create(session, parcel("first"))?;
        assert!(Parcels.create(session, parcel("bad")).is_err());
        let after = Parcels.create(session, parcel("after"));
        assert!(
            matches!(after, Err(Error::TransactionAborted { .. })),
            "{after:?}"
        );
        // Neither by the connection does anything commit by itself.
        session
            .conn()
            .batch_execute("INSERT INTO parcels (content, state) VALUES ('raw', 'sent')")?;
        Ok(())
    })
}

fn refused(more: &str) {
    let (database, mut session, trace) = opened(more);
    let done = three(&mut session);
    assert!(
        matches!(done, Err(Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert_eq!(contents(&database), [""; 0]);
    assert_eq!(trace.take(), ["lost first"]);

    // And the session is in order.
    Parcels.create(&mut session, parcel("later")).unwrap();
    assert_eq!(contents(&database), ["later"]);
    assert_eq!(trace.take(), ["stored later"]);
}

#[test]
fn by_a_constraint() {
    refused(
        "DROP TABLE parcels;
         CREATE TABLE parcels (id INTEGER PRIMARY KEY, state TEXT NOT NULL,
             content TEXT NOT NULL CHECK (content != 'bad') UNIQUE ON CONFLICT ROLLBACK);
         CREATE TABLE other (a UNIQUE ON CONFLICT ROLLBACK);
         INSERT INTO other VALUES (1);
         CREATE TRIGGER bad BEFORE INSERT ON parcels WHEN NEW.content = 'bad'
             BEGIN INSERT INTO other VALUES (1); END",
    );
}

#[test]
fn by_a_trigger() {
    refused(
        "CREATE TRIGGER no BEFORE INSERT ON parcels WHEN NEW.content = 'bad'
             BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    );
}

#[test]
fn in_a_nested_level() {
    let (database, mut session, trace) = opened(
        "CREATE TRIGGER no BEFORE INSERT ON parcels WHEN NEW.content = 'bad'
             BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    );
    let done: lback::Result<()> = session.transaction(|session| {
        Parcels.create(session, parcel("first"))?;
        let inner = session.transaction(|session| {
            Parcels.create(session, parcel("inner"))?;
            Parcels.create(session, parcel("bad"))
        });
        assert!(inner.is_err());
        let after = Parcels.create(session, parcel("after"));
        assert!(after.is_err(), "{after:?}");
        Ok(())
    });
    assert!(
        matches!(done, Err(Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert_eq!(contents(&database), [""; 0]);
    assert_eq!(trace.take(), ["lost first", "lost inner"]);
}

/// What the connection's user did and passed over is seen at the next look.
#[test]
fn by_a_raw_statement() {
    let (database, mut session, trace) = opened("");
    let done: lback::Result<()> = session.transaction(|session| {
        Parcels.create(session, parcel("first"))?;
        let refused = session
            .conn()
            .batch_execute("INSERT OR ROLLBACK INTO parcels VALUES (1, 'again', 'sent')");
        assert!(refused.is_err());
        let after = Parcels.create(session, parcel("after"));
        assert!(after.is_err(), "{after:?}");
        Ok(())
    });
    assert!(
        matches!(done, Err(Error::TransactionAborted { .. })),
        "{done:?}"
    );
    assert_eq!(contents(&database), [""; 0]);
    assert!(!trace.take().contains(&"stored first".to_owned()));
}

const FAIL: &str = "CREATE TRIGGER no AFTER INSERT ON parcels WHEN NEW.content = 'bad'
    BEGIN INSERT INTO log VALUES ('seen'); SELECT RAISE(FAIL, 'no'); END;";

/// What a trigger wrote before it failed stays, by SQLite's rule: so the operation has a level of its own, also in
/// the caller's transaction, and is undone with it.
#[test]
fn a_part_of_a_statement_that_failed() {
    for more in ["", "PRAGMA case_sensitive_like = ON"] {
        let (database, mut session, _trace) =
            opened(&format!("CREATE TABLE log (what TEXT); {FAIL} {more}"));
        let alone = quiet::Parcels.create(&mut session, parcel("bad"));
        assert!(alone.is_err(), "{alone:?}");
        assert_eq!(contents(&database), [""; 0], "alone");

        let passed_over: lback::Result<()> = session.transaction(|session| {
            quiet::Parcels.create(session, parcel("first"))?;
            assert!(quiet::Parcels.create(session, parcel("bad")).is_err());
            Ok(())
        });
        passed_over.unwrap();
        assert_eq!(contents(&database), ["first"], "inside");
        assert_eq!(count("log", &mut session), 0);
    }
}

/// The schema is asked once for that; and once more when a statement fails.
#[test]
fn a_part_that_a_trigger_leaves_which_was_created_meanwhile() {
    let (database, mut session, _trace) = opened("CREATE TABLE log (what TEXT)");
    quiet::Parcels
        .create(&mut session, parcel("first"))
        .unwrap();
    database.connection().batch_execute(FAIL).unwrap();
    let passed_over: lback::Result<()> = session.transaction(|session| {
        quiet::Parcels.create(session, parcel("second"))?;
        assert!(quiet::Parcels.create(session, parcel("bad")).is_err());
        Ok(())
    });
    assert!(
        matches!(passed_over, Err(Error::TransactionAborted { .. })),
        "{passed_over:?}"
    );
    assert_eq!(contents(&database), ["first"]);
    assert_eq!(count("log", &mut session), 0);
}

/// SQLite keeps the means to undo a statement only where it foresees that it may fail.
#[test]
fn a_part_that_sqlite_does_not_foresee() {
    for unforeseen in [
        "CREATE TABLE strict_log (size INTEGER) STRICT;
         CREATE TRIGGER note AFTER DELETE ON parcels BEGIN INSERT INTO strict_log VALUES ('much'); END",
        "PRAGMA recursive_triggers = ON;
         CREATE TABLE chain (n INTEGER);
         CREATE TRIGGER go_on AFTER INSERT ON chain BEGIN INSERT INTO chain VALUES (NEW.n + 1); END;
         CREATE TRIGGER note AFTER DELETE ON parcels BEGIN INSERT INTO chain VALUES (1); END",
        "PRAGMA foreign_keys = ON;
         CREATE TABLE parts (parcel INTEGER REFERENCES parcels ON DELETE CASCADE);
         INSERT INTO parts VALUES (1), (2);
         CREATE TRIGGER keep BEFORE DELETE ON parts BEGIN SELECT RAISE(IGNORE); END",
    ] {
        type Delete = fn(&mut Session) -> lback::Result<()>;
        let deletes: [Delete; 5] = [
            |it| quiet::Parcels.delete(it, 1),
            |it| quiet::Parcels.delete_if_there(it, 1).map(drop),
            |it| quiet::Parcels.delete_many(it, [1, 2]),
            |it| quiet::Parcels.delete_where(it, parcels::id.gt(0)).map(drop),
            |it| Parcels.delete(it, 1),
        ];
        for delete in deletes {
            let (database, mut session, _trace) = opened(
                "INSERT INTO parcels VALUES (1, 'one', 'sent'), (2, 'two', 'sent')",
            );
            session.conn().batch_execute(unforeseen).unwrap();
            assert!(delete(&mut session).is_err());
            let passed_over: lback::Result<()> = session.transaction(|session| {
                let deleted = delete(session);
                assert!(deleted.is_err(), "{unforeseen}");
                Ok(())
            });
            passed_over.unwrap();
            assert_eq!(contents(&database), ["one", "two"], "{unforeseen}");
        }
    }
}

#[test]
fn a_row_that_is_skipped_is_an_error_that_says_so() {
    let (database, mut session, trace) = opened(
        "CREATE TABLE log (what TEXT);
         CREATE TRIGGER skip BEFORE INSERT ON parcels WHEN NEW.content = 'bad'
             BEGIN INSERT INTO log VALUES ('seen'); SELECT RAISE(IGNORE); END;
         CREATE TRIGGER keep BEFORE UPDATE ON parcels BEGIN SELECT RAISE(IGNORE); END;
         CREATE TRIGGER stay BEFORE DELETE ON parcels BEGIN SELECT RAISE(IGNORE); END",
    );
    let alone = Parcels.create(&mut session, parcel("bad"));
    assert!(matches!(alone, Err(Error::Suppressed { .. })), "{alone:?}");
    let kept = quiet::Parcels.create(&mut session, parcel("kept")).unwrap();
    let updated = quiet::Parcels.update(
        &mut session,
        kept.id,
        lback_tests::parcels::ParcelChanges {
            content: Some("changed".to_owned()),
            state: None,
        },
    );
    assert!(
        matches!(updated, Err(Error::Suppressed { .. })),
        "{updated:?}"
    );
    let deleted = quiet::Parcels.delete(&mut session, kept.id);
    assert!(
        matches!(deleted, Err(Error::Suppressed { .. })),
        "{deleted:?}"
    );
    assert_eq!(contents(&database), ["kept"]);
    let mut connection = database.connection();
    let seen: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT COUNT(*) FROM log)",
    ))
    .get_result(&mut connection)
    .unwrap();
    assert_eq!(seen, 0, "what the trigger wrote is undone");
    assert_eq!(trace.take(), [""; 0]);
}

/// A commit that fails after the row was given out: the row is not stored, and nobody is told it is.
#[test]
fn a_commit_that_fails_behind_the_row() {
    let (database, mut session, trace) = opened(
        "CREATE TABLE owners (id INTEGER PRIMARY KEY);
         DROP TABLE parcels;
         CREATE TABLE parcels (id INTEGER PRIMARY KEY, content TEXT NOT NULL, state TEXT NOT NULL,
             owner INTEGER DEFAULT 7 REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED)",
    );
    for created in [
        Parcels.create(&mut session, parcel("a")),
        session.mute_all(|session| quiet::Parcels.create(session, parcel("a"))),
        session.transaction(|session| Parcels.create(session, parcel("a"))),
    ] {
        assert!(
            matches!(created, Err(Error::ForeignKey { .. })),
            "{created:?}"
        );
    }
    assert_eq!(contents(&database), [""; 0]);
    assert_eq!(trace.take(), ["lost a", "lost a"]);
}

#[test]
fn a_reader_who_keeps_the_commit_from_happening() {
    let database = Database::empty().expect("there is always a SQLite");
    let mut connection = database.connection();
    connection
        .batch_execute("PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 50")
        .unwrap();
    create_table(&mut connection, MADE_KEY, "");
    let trace = Trace::new();
    let mut session = Session::new(connection).unwrap().with_state(trace.clone());
    let mut reader = database.connection();
    reader
        .batch_execute("BEGIN; SELECT COUNT(*) FROM parcels")
        .unwrap();

    let created = Parcels.create(&mut session, parcel("a"));
    assert!(
        created.as_ref().is_err_and(Error::is_retryable),
        "{created:?}"
    );
    assert_eq!(trace.take(), ["lost a"]);
    reader.batch_execute("COMMIT").unwrap();
    assert_eq!(contents(&database), [""; 0]);
    Parcels.create(&mut session, parcel("b")).unwrap();
    assert_eq!(contents(&database), ["b"]);
}
