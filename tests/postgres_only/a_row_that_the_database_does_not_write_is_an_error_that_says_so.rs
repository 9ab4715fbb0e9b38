//! A BEFORE trigger may keep a row from being written, or put something else in its place: an error
//! that says so, with nothing left, and never "not found".

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::Trace;
use lback_tests::parcels::{Parcel, ParcelChanges, create_table, parcel, parcels};

use crate::database::*;

own_parcels!();

#[receiver(
    parcel_post_create,
    parcel_post_update,
    parcel_post_delete,
    after_commit
)]
fn done(parcel: &Parcel, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("{} {}", signal.name(), parcel.content));
}

mod quiet {
    use super::*;

    own_parcels!();
}

fn opened(more: &str) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    create_table(session.conn(), MADE_KEY, "");
    session.conn().batch_execute(more).expect("it is SQL");
    Some((database, session, trace))
}

fn count(database: &Database) -> i64 {
    parcels::table
        .count()
        .get_result(&mut database.connection())
        .expect("they can be counted")
}

fn changed() -> ParcelChanges {
    ParcelChanges {
        content: Some("changed".to_owned()),
        state: None,
    }
}

#[test]
fn an_insert_that_goes_elsewhere() {
    let Some((database, mut session, trace)) = opened(
        "CREATE TABLE parcels_2026 () INHERITS (parcels);
         CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO parcels_2026 VALUES (NEW.*); RETURN NULL; END';
         CREATE TRIGGER route BEFORE INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION route()",
    ) else {
        return;
    };
    for created in [
        Parcels.create(&mut session, parcel("a")),
        quiet::Parcels.create(&mut session, parcel("a")),
    ] {
        assert!(
            matches!(created, Err(Error::Suppressed { .. })),
            "{created:?}"
        );
    }
    assert_eq!(count(&database), 0, "an error, and the row is stored");
    let passed_over: lback::Result<()> = session.transaction(|session| {
        assert!(quiet::Parcels.create(session, parcel("a")).is_err());
        Ok(())
    });
    assert!(passed_over.is_err(), "half of an operation would be stored");
    assert_eq!(count(&database), 0);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn an_update_and_a_delete_that_are_swallowed() {
    let Some((database, mut session, trace)) = opened(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN IF OLD.content = ''kept'' THEN RETURN NULL; END IF; RETURN COALESCE(NEW, OLD); END';
         CREATE TRIGGER no BEFORE UPDATE OR DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION no()",
    ) else {
        return;
    };
    let kept = quiet::Parcels.create(&mut session, parcel("kept")).unwrap();
    for updated in [
        Parcels.update(&mut session, kept.id, changed()),
        quiet::Parcels.update(&mut session, kept.id, changed()),
    ] {
        assert!(
            matches!(updated, Err(Error::Suppressed { .. })),
            "{updated:?}"
        );
    }
    let other = quiet::Parcels
        .create(&mut session, parcel("other"))
        .unwrap();
    for ids in [[kept.id, other.id], [other.id, kept.id]] {
        for updated in [
            Parcels.update_many(&mut session, ids, changed()),
            quiet::Parcels.update_many(&mut session, ids, changed()),
        ] {
            assert!(
                matches!(updated, Err(Error::Suppressed { .. })),
                "{updated:?}"
            );
        }
    }
    quiet::Parcels.delete(&mut session, other.id).unwrap();
    for deleted in [
        Parcels.delete(&mut session, kept.id),
        quiet::Parcels.delete(&mut session, kept.id),
    ] {
        assert!(
            matches!(deleted, Err(Error::Suppressed { .. })),
            "{deleted:?}"
        );
    }
    assert_eq!(count(&database), 1);
    assert_eq!(trace.take(), [""; 0]);
}

/// Behind a view, and by a trigger that moves the row: what is not there any more is deleted.
#[test]
fn a_soft_delete_has_deleted() {
    for more in [
        "ALTER TABLE parcels RENAME TO all_parcels;
         ALTER TABLE all_parcels ADD gone BOOLEAN NOT NULL DEFAULT false;
         CREATE VIEW parcels AS SELECT id, content, state FROM all_parcels WHERE NOT gone;
         CREATE FUNCTION soft() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN UPDATE all_parcels SET gone = true WHERE id = OLD.id; RETURN NULL; END';
         CREATE TRIGGER soft BEFORE DELETE ON all_parcels FOR EACH ROW EXECUTE FUNCTION soft()",
        "CREATE TABLE old_parcels (LIKE parcels);
         CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN
                 IF pg_trigger_depth() > 1 THEN RETURN OLD; END IF;
                 INSERT INTO old_parcels VALUES (OLD.*);
                 DELETE FROM parcels WHERE id = OLD.id;
                 RETURN NULL;
             END';
         CREATE TRIGGER move BEFORE DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION move()",
    ] {
        let Some((database, mut session, trace)) = opened(more) else {
            return;
        };
        let make =
            |session: &mut Session, name| quiet::Parcels.create(session, parcel(name)).unwrap().id;
        let one = make(&mut session, "one");
        Parcels.delete(&mut session, one).unwrap();
        let two = make(&mut session, "two");
        Parcels.delete_many(&mut session, [two]).unwrap();
        assert_eq!(count(&database), 0);
        assert_eq!(
            trace.take(),
            ["parcel_post_delete one", "parcel_post_delete two"]
        );
        let three = make(&mut session, "three");
        quiet::Parcels.delete(&mut session, three).unwrap();
        let four = make(&mut session, "four");
        quiet::Parcels.delete_many(&mut session, [four]).unwrap();
        assert_eq!(count(&database), 0);
        for missing in [
            Parcels.delete(&mut session, one),
            quiet::Parcels.delete(&mut session, one),
        ] {
            assert!(
                matches!(missing, Err(Error::NotFound { .. })),
                "{missing:?}"
            );
        }
        assert_eq!(trace.take(), [""; 0]);
    }
}

/// Also inside of a transaction, where a DELETE cannot be taken back alone.
#[test]
fn a_soft_delete_that_nobody_hears_has_deleted() {
    let Some((database, mut session, _)) = opened(
        "ALTER TABLE parcels RENAME TO all_parcels;
         ALTER TABLE all_parcels ADD gone BOOLEAN NOT NULL DEFAULT false;
         CREATE VIEW parcels AS SELECT id, content, state FROM all_parcels WHERE NOT gone;
         CREATE FUNCTION soft() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN UPDATE all_parcels SET gone = true WHERE id = OLD.id; RETURN NULL; END';
         CREATE TRIGGER soft BEFORE DELETE ON all_parcels FOR EACH ROW EXECUTE FUNCTION soft()",
    ) else {
        return;
    };
    let one = quiet::Parcels.create(&mut session, parcel("one")).unwrap();
    session
        .transaction(|session| {
            quiet::Parcels.delete(session, one.id)?;
            let again = quiet::Parcels.delete(session, one.id);
            assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
            lback::Result::Ok(())
        })
        .expect("what was not there left nothing");
    assert_eq!(count(&database), 0);
}

/// The server counts the rows that the rule was asked for.
#[test]
fn a_delete_in_the_place_of_which_a_rule_deletes_from_another_table() -> lback::Result<()> {
    let Some((database, mut session, trace)) = opened(
        "CREATE TABLE other (id BIGINT);
         CREATE RULE aside AS ON DELETE TO parcels DO INSTEAD DELETE FROM other WHERE id = OLD.id",
    ) else {
        return Ok(());
    };
    let kept = quiet::Parcels.create(&mut session, parcel("kept"))?;
    database
        .connection()
        .batch_execute("INSERT INTO other SELECT id FROM parcels")?;
    for deleted in [
        quiet::Parcels.delete(&mut session, kept.id),
        session.transaction(|session| quiet::Parcels.delete(session, kept.id)),
    ] {
        assert!(
            matches!(deleted, Err(Error::Suppressed { .. })),
            "{deleted:?}"
        );
    }
    // Where the row is to come back, PostgreSQL refuses: the rule would have to return it.
    for deleted in [
        Parcels.delete(&mut session, kept.id),
        quiet::Parcels.delete_many(&mut session, [kept.id]),
    ] {
        assert!(matches!(deleted, Err(Error::Database(_))), "{deleted:?}");
    }
    assert_eq!(count(&database), 1);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

/// What the triggers of a view behind it, or of another server, have done with it, nobody says.
fn assert_swallowed(mut session: Session, trace: &Trace) {
    let mut swallowed = |what: &str, done: fn(&mut Session) -> lback::Result<()>| {
        for is_nested in [false, true] {
            let result = if is_nested {
                session.transaction(done)
            } else {
                done(&mut session)
            };
            assert!(
                matches!(result, Err(Error::Suppressed { .. })),
                "{what}: {result:?}"
            );
        }
    };
    swallowed("create", |it| {
        quiet::Parcels.create(it, parcel("a")).map(drop)
    });
    swallowed("heard create", |it| {
        Parcels.create(it, parcel("a")).map(drop)
    });
    swallowed("many", |it| {
        quiet::Parcels
            .create_many(it, ["a", "b"].map(parcel))
            .map(drop)
    });
    swallowed("delete", |it| quiet::Parcels.delete(it, 1));
    swallowed("heard delete", |it| Parcels.delete(it, 1));
    swallowed("delete many", |it| quiet::Parcels.delete_many(it, [1]));
    let updated = quiet::Parcels.update(&mut session, 1, changed()).unwrap();
    assert_eq!(updated.content, "old");
    assert_eq!(trace.take(), [""; 0]);
}

const SWALLOWS: &str = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN RETURN COALESCE(NEW, OLD); END';
     ALTER TABLE parcels RENAME TO behind;
     INSERT INTO behind VALUES (1, 'old', 'sent');
     CREATE VIEW shown AS SELECT * FROM behind;
     CREATE TRIGGER no INSTEAD OF INSERT OR UPDATE OR DELETE ON shown FOR EACH ROW EXECUTE FUNCTION no();
     ALTER VIEW shown ALTER id SET DEFAULT 7;";

#[test]
fn what_a_view_behind_a_view_swallows() {
    let view = format!(
        "{SWALLOWS} CREATE VIEW parcels AS SELECT * FROM shown; ALTER VIEW parcels ALTER id SET DEFAULT 7"
    );
    let Some((_database, session, trace)) = opened(&view) else {
        return;
    };
    assert_swallowed(session, &trace);
}

#[test]
fn what_a_view_of_another_server_swallows() {
    let Some(database) = Database::empty() else {
        return;
    };
    let is_available = diesel::dsl::sql::<diesel::sql_types::Bool>(
        "EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'postgres_fdw')",
    );
    if !diesel::select(is_available)
        .get_result::<bool>(&mut database.connection())
        .unwrap()
    {
        return;
    }
    // The other server is this one.
    let far = format!(
        "{SWALLOWS} DO $$ BEGIN
             PERFORM pg_advisory_xact_lock(7031);
             CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
             EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw
                 OPTIONS (host ''127.0.0.1'', port %L, dbname %L)',
                 current_schema(), current_setting('port'), current_database());
             EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER %I OPTIONS (user %L)',
                 current_schema(), current_user);
             EXECUTE format('CREATE FOREIGN TABLE parcels (id BIGINT DEFAULT 7, content TEXT NOT NULL,
                 state TEXT NOT NULL) SERVER %I OPTIONS (schema_name %L, table_name ''shown'')',
                 current_schema(), current_schema());
         END $$"
    );
    let Some((database, session, trace)) = opened(&far) else {
        return;
    };
    assert_swallowed(session, &trace);
    drop(database);
}
