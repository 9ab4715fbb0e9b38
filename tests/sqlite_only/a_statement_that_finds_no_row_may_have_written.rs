//! A trigger may take a row away before the statement gets to it. The statement then counts none: if that was
//! a delete, the row is deleted; if it was an update, what the trigger wrote does not stay behind the error.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::Trace;
use lback_tests::parcels::{Parcel, ParcelChanges, create_table, parcel, parcels};

use crate::database::*;

mod quiet {
    use super::*;

    own_parcels!();
}

own_parcels!();

#[receiver(parcel_post_update, parcel_post_delete, after_commit)]
fn done(parcel: &Parcel, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("{} {}", signal.name(), parcel.content));
}

const TAKE: &str =
    "INSERT INTO archive VALUES (OLD.content); DELETE FROM parcels WHERE id = OLD.id;";

fn opened(more: &str) -> (Database, Session, Trace) {
    let database = Database::empty().expect("there is always a SQLite");
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    create_table(session.conn(), MADE_KEY, "");
    let ddl = format!("CREATE TABLE archive (content TEXT); {more}");
    session.conn().batch_execute(&ddl).expect("it is SQL");
    (database, session, trace)
}

/// How many parcels there are, and how many were put away.
fn stand(database: &Database) -> (i64, i64) {
    let mut connection = database.connection();
    let archived = diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT COUNT(*) FROM archive)");
    (
        parcels::table.count().get_result(&mut connection).unwrap(),
        diesel::select(archived)
            .get_result(&mut connection)
            .unwrap(),
    )
}

fn changed() -> ParcelChanges {
    ParcelChanges {
        content: Some("changed".to_owned()),
        state: None,
    }
}

/// The same, by a queue whose own trigger takes the row away.
const QUEUE: &str = "CREATE TABLE queue (id INTEGER);
    CREATE TRIGGER work AFTER INSERT ON queue BEGIN DELETE FROM parcels WHERE id = NEW.id; END;";
const ENQUEUE: &str =
    "INSERT INTO archive VALUES (OLD.content); INSERT INTO queue VALUES (OLD.id);";

#[test]
fn an_update_leaves_nothing_of_it() {
    let direct = format!("CREATE TRIGGER take BEFORE UPDATE ON parcels BEGIN {TAKE} END");
    let by_queue =
        format!("{QUEUE} CREATE TRIGGER take BEFORE UPDATE ON parcels BEGIN {ENQUEUE} END");
    for (trigger, is_heard) in [
        (&direct, false),
        (&direct, true),
        (&by_queue, false),
        (&by_queue, true),
    ] {
        let (database, mut session, trace) = opened(trigger);
        let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
        let passed_over: lback::Result<()> = session.transaction(|session| {
            let updated = if is_heard {
                Parcels.update(session, there.id, changed())
            } else {
                quiet::Parcels.update(session, there.id, changed())
            };
            assert!(
                matches!(updated, Err(Error::NotFound { .. })),
                "{updated:?}"
            );
            Ok(())
        });
        // Where triggers are known, an operation is undone alone.
        passed_over.unwrap();
        assert_eq!(stand(&database), (1, 0), "heard {is_heard}");
        assert_eq!(trace.take(), [""; 0]);
    }
}

/// What was asked before is not believed: a migration may have come in between.
#[test]
fn a_trigger_that_was_created_meanwhile() {
    for trigger in [
        format!("CREATE TRIGGER take BEFORE UPDATE ON PARCELS BEGIN {TAKE} END"),
        format!("{QUEUE} CREATE TRIGGER take BEFORE UPDATE ON parcels BEGIN {ENQUEUE} END"),
    ] {
        let (database, mut session, _trace) = opened("");
        let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
        database.connection().batch_execute(&trigger).unwrap();
        let passed_over: lback::Result<()> = session.transaction(|session| {
            let updated = quiet::Parcels.update(session, there.id, changed());
            assert!(
                matches!(updated, Err(Error::NotFound { .. })),
                "{updated:?}"
            );
            Ok(())
        });
        assert!(
            matches!(passed_over, Err(Error::TransactionAborted { .. })),
            "{passed_over:?}"
        );
        assert_eq!(stand(&database), (1, 0));
        // Where it can be undone alone, the whole goes on.
        let nested = session.transaction(|session| {
            let inner =
                session.transaction(|session| quiet::Parcels.update(session, there.id, changed()));
            assert!(inner.is_err(), "{inner:?}");
            quiet::Parcels.create(session, parcel("b"))
        });
        nested.unwrap();
        assert_eq!(stand(&database), (2, 0));
    }
}

#[test]
fn a_row_that_a_delete_moves_is_deleted() {
    for ddl in [
        format!("CREATE TRIGGER take BEFORE DELETE ON parcels BEGIN {TAKE} END"),
        format!(
            "CREATE TEMP TRIGGER take DELETE ON main.parcels BEGIN {TAKE} SELECT RAISE(IGNORE); END"
        ),
        format!("{QUEUE} CREATE TRIGGER take BEFORE DELETE ON parcels BEGIN {ENQUEUE} END"),
    ] {
        let (database, mut session, trace) = opened(&ddl);
        let keys: Vec<_> = ["a", "b", "c", "d"]
            .map(|content| {
                quiet::Parcels
                    .create(&mut session, parcel(content))
                    .unwrap()
                    .id
            })
            .into();
        // The first delete of a session, which has asked nothing yet.
        let inside = session.transaction(|session| quiet::Parcels.delete(session, keys[0]));
        inside.unwrap();
        assert_eq!(stand(&database), (3, 1), "{ddl}");
        quiet::Parcels.delete(&mut session, keys[1]).unwrap();
        session
            .transaction(|session| Parcels.delete(session, keys[2]))
            .unwrap();
        Parcels.delete(&mut session, keys[3]).unwrap();
        assert_eq!(stand(&database), (0, 4), "{ddl}");
        assert_eq!(
            trace.take(),
            ["parcel_post_delete c", "parcel_post_delete d"]
        );
    }
}

#[test]
fn a_row_that_was_not_there_spoils_nothing() {
    let (database, mut session, _trace) = opened(
        "CREATE TRIGGER a BEFORE DELETE ON parcels BEGIN INSERT INTO archive VALUES (OLD.content); END;
         CREATE TRIGGER b BEFORE UPDATE ON parcels BEGIN INSERT INTO archive VALUES (OLD.content); END;
         CREATE TRIGGER c AFTER UPDATE ON parcels BEGIN DELETE FROM archive; END",
    );
    let done: lback::Result<()> = session.transaction(|session| {
        assert!(quiet::Parcels.delete(session, 7).is_err());
        assert!(quiet::Parcels.update(session, 7, changed()).is_err());
        quiet::Parcels.create(session, parcel("a")).map(drop)
    });
    done.unwrap();
    assert_eq!(stand(&database), (1, 0));
}

/// SQLite finds a table and a view whatever the case of its name.
#[test]
fn a_name_in_capitals_is_the_same() {
    let trigger = format!("CREATE TRIGGER take BEFORE UPDATE ON PARCELS BEGIN {TAKE} END");
    let (database, mut session, _trace) = opened(&trigger);
    let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
    let passed_over: lback::Result<()> = session.transaction(|session| {
        assert!(quiet::Parcels.update(session, there.id, changed()).is_err());
        Ok(())
    });
    passed_over.unwrap();
    assert_eq!(stand(&database), (1, 0));

    let (database, mut session, _trace) = opened(VIEW);
    let insert = "INSERT INTO behind VALUES (7, 'a', 'sent')";
    session.conn().batch_execute(insert).unwrap();
    session
        .transaction(|session| quiet::Parcels.delete(session, 7))
        .unwrap();
    assert_eq!(stand(&database), (0, 1));
}

/// A view of another case than the table that it is put in the place of, and a trigger that takes nothing away.
const VIEW: &str = "ALTER TABLE parcels RENAME TO behind;
    CREATE TABLE gone (id INTEGER);
    CREATE VIEW Parcels AS SELECT * FROM behind WHERE id NOT IN (SELECT id FROM gone);
    CREATE TRIGGER take INSTEAD OF DELETE ON Parcels BEGIN
        INSERT INTO archive VALUES (OLD.content);
        INSERT INTO gone VALUES (OLD.id);
    END;";

/// What was asked before is not believed: a migration may have come in between.
#[test]
fn a_view_that_was_created_meanwhile() {
    let (database, mut session, _trace) = opened("");
    let keys = ["a", "b"].map(|content| {
        quiet::Parcels
            .create(&mut session, parcel(content))
            .unwrap()
            .id
    });
    session
        .transaction(|session| quiet::Parcels.delete(session, keys[0]))
        .unwrap();
    database.connection().batch_execute(VIEW).unwrap();
    let passed_over: lback::Result<()> = session.transaction(|session| {
        let deleted = quiet::Parcels.delete(session, keys[1]);
        assert!(
            matches!(deleted, Err(Error::NotFound { .. })),
            "{deleted:?}"
        );
        Ok(())
    });
    assert!(
        matches!(passed_over, Err(Error::TransactionAborted { .. })),
        "{passed_over:?}"
    );
    assert_eq!(stand(&database), (1, 0));
}

mod written_to_before {
    use super::*;

    own_parcels!();

    /// It may write, so what it found is looked at again.
    #[receiver(parcel_pre_delete)]
    fn audit(parcel: &Parcel, conn: &mut SqliteConnection) -> QueryResult<usize> {
        if parcel.content == "taken" {
            return diesel::delete(parcels::table.find(parcel.id)).execute(conn);
        }
        diesel::sql_query("UPDATE counter SET number = number + 1").execute(conn)
    }
}

#[test]
fn whoever_writes_before_does_not_hide_it() -> lback::Result<()> {
    use written_to_before::Parcels;

    let (database, mut session, _trace) = opened(&format!(
        "CREATE TABLE counter (number INTEGER); INSERT INTO counter VALUES (0);
         CREATE TRIGGER take BEFORE DELETE ON parcels BEGIN {TAKE} END"
    ));
    let ids = ["a", "b", "taken"].map(|content| {
        let made = quiet::Parcels.create(&mut session, parcel(content));
        made.unwrap().id
    });
    Parcels.delete(&mut session, ids[0])?;
    assert!(Parcels.delete_if_there(&mut session, ids[1])?);
    assert_eq!(stand(&database), (1, 2));
    // What the receiver itself has taken away is not there to be deleted, and that is undone.
    let undone = Parcels.delete_if_there(&mut session, ids[2]);
    assert!(matches!(undone, Err(Error::NotFound { .. })), "{undone:?}");
    assert_eq!(stand(&database), (1, 2));
    Ok(())
}
