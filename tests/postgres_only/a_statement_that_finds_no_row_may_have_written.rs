//! A statement counts no row, and something was written all the same: by a trigger for each statement, or by
//! one that took the row away, on the table, on a partition, or behind a view. If that was a delete of a row
//! that was there, the row is deleted; otherwise nothing of it stays behind the error.

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

const TAKE: &str = "CREATE TABLE archive (content TEXT);
    CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF pg_trigger_depth() > 1 THEN RETURN OLD; END IF;
        INSERT INTO archive VALUES (OLD.content);
        DELETE FROM parcels WHERE id = OLD.id;
        RETURN NULL;
    END $$;";

fn opened(more: &str) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    create_table(session.conn(), MADE_KEY, "");
    session.conn().batch_execute(more).expect("it is SQL");
    Some((database, session, trace))
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

/// An operation that finds no row, and whose error is passed over.
fn passed_over<T: std::fmt::Debug>(
    session: &mut Session,
    operation: impl Fn(&mut Session) -> lback::Result<T>,
) -> lback::Result<()> {
    session.transaction(|session| {
        let done = operation(session);
        assert!(matches!(done, Err(Error::NotFound { .. })), "{done:?}");
        Ok(())
    })
}

fn assert_spoilt(passed_over: &lback::Result<()>) {
    assert!(
        matches!(passed_over, Err(Error::TransactionAborted { .. })),
        "{passed_over:?}"
    );
}

#[test]
fn a_trigger_for_each_statement() {
    let itself = "INSERT INTO archive VALUES (TG_OP)";
    let by_another = "noted := put(TG_OP)";
    for (timing, writes) in [
        ("BEFORE", itself),
        ("AFTER", itself),
        ("BEFORE", by_another),
    ] {
        let Some((database, mut session, _trace)) = opened(&format!(
            "CREATE TABLE archive (content TEXT);
             CREATE FUNCTION put(text) RETURNS text LANGUAGE sql AS
                 'INSERT INTO archive VALUES ($1) RETURNING content';
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                 'DECLARE noted TEXT; BEGIN {writes}; RETURN NULL; END';
             CREATE TRIGGER note {timing} UPDATE OR DELETE ON parcels
                 FOR EACH STATEMENT EXECUTE FUNCTION note()"
        )) else {
            return;
        };
        let updated = passed_over(&mut session, |session| {
            quiet::Parcels.update(session, 7, changed())
        });
        assert_spoilt(&updated);
        let deleted = passed_over(&mut session, |session| quiet::Parcels.delete(session, 7));
        assert_spoilt(&deleted);
        // What reads the row first has executed nothing.
        passed_over(&mut session, |session| {
            Parcels.update(session, 7, changed())
        })
        .unwrap();
        assert_eq!(stand(&database), (0, 0), "{timing}");
    }
}

/// It answers with an empty record, which is as good as NULL.
const TAKE_AND_RETURN_NOTHING: &str = "CREATE TABLE archive (content TEXT);
    CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE gone parcels; BEGIN
        IF pg_trigger_depth() > 1 THEN RETURN OLD; END IF;
        INSERT INTO archive VALUES (OLD.content);
        DELETE FROM parcels WHERE id = OLD.id;
        RETURN gone;
    END $$;";

/// A rule does what it does before the statement that it stands beside.
const RULE: &str = "CREATE TABLE archive (content TEXT);
    CREATE RULE take AS ON UPDATE TO parcels DO ALSO (
        INSERT INTO archive VALUES (OLD.content);
        DELETE FROM parcels WHERE id = OLD.id
    );";

/// The rule itself takes nothing away: a trigger of the table that it writes to does, or a function that it calls.
const RULE_THAT_SETS_OFF: &str = "CREATE TABLE archive (content TEXT);
    CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        DELETE FROM parcels WHERE content = NEW.content; RETURN NEW; END $$;
    CREATE TRIGGER take AFTER INSERT ON archive FOR EACH ROW EXECUTE FUNCTION take();
    CREATE RULE put AS ON UPDATE TO parcels DO ALSO INSERT INTO archive VALUES (OLD.content);";
const RULE_THAT_CALLS: &str = "CREATE TABLE archive (content TEXT);
    CREATE FUNCTION take(gone TEXT) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO archive VALUES (gone); DELETE FROM parcels WHERE content = gone; RETURN gone; END $$;
    CREATE TABLE log (content TEXT);
    CREATE RULE put AS ON UPDATE TO parcels DO ALSO INSERT INTO log VALUES (take(OLD.content));";

#[test]
fn an_update_whose_row_is_taken_away() {
    let trigger =
        "CREATE TRIGGER take BEFORE UPDATE ON parcels FOR EACH ROW EXECUTE FUNCTION take()";
    let by_null = format!("{TAKE} {trigger}");
    let by_nothing = format!("{TAKE_AND_RETURN_NOTHING} {trigger}");
    let by_another = by_nothing.replace("RETURN gone", "NEW := gone; RETURN NEW");
    for (ddl, is_heard) in [
        (by_null.as_str(), false),
        (&by_null, true),
        (&by_nothing, false),
        (&by_nothing, true),
        (&by_another, false),
        (&by_another, true),
        (RULE, false),
        (RULE, true),
        (RULE_THAT_SETS_OFF, false),
        (RULE_THAT_SETS_OFF, true),
        (RULE_THAT_CALLS, false),
    ] {
        let Some((database, mut session, trace)) = opened(ddl) else {
            return;
        };
        let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
        let updated = passed_over(&mut session, |session| {
            if is_heard {
                Parcels.update(session, there.id, changed())
            } else {
                quiet::Parcels.update(session, there.id, changed())
            }
        });
        assert_spoilt(&updated);
        assert_eq!(stand(&database), (1, 0), "heard {is_heard}");
        assert_eq!(trace.take(), [""; 0]);
    }
}

#[test]
fn an_update_behind_a_view_that_hides_the_row() {
    let Some((database, mut session, _trace)) = opened(
        "CREATE TABLE archive (content TEXT);
         ALTER TABLE parcels RENAME TO behind;
         CREATE VIEW parcels AS SELECT * FROM behind WHERE state <> 'gone';
         CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE behind SET state = 'gone' WHERE id = OLD.id; RETURN NULL; END $$;
         CREATE TRIGGER hide INSTEAD OF UPDATE ON parcels FOR EACH ROW EXECUTE FUNCTION hide();
         INSERT INTO behind VALUES (1, 'a', 'sent')",
    ) else {
        return;
    };
    let updated = passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 1, changed())
    });
    assert_spoilt(&updated);
    assert_eq!(stand(&database), (1, 0));
}

#[test]
fn a_delete_in_a_partition_with_a_trigger_of_its_own() {
    let Some((database, mut session, trace)) = opened(&format!(
        "DROP TABLE parcels;
         CREATE TABLE parcels (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, content TEXT NOT NULL,
             state TEXT NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE many PARTITION OF parcels FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
         CREATE TABLE few PARTITION OF many FOR VALUES FROM (0) TO (100);
         {TAKE}
         CREATE TRIGGER take BEFORE DELETE ON few FOR EACH ROW EXECUTE FUNCTION take()"
    )) else {
        return;
    };
    let keys: Vec<_> = ["a", "b", "c", "d"]
        .map(|content| {
            quiet::Parcels
                .create(&mut session, parcel(content))
                .unwrap()
                .id
        })
        .into();
    session
        .transaction(|session| quiet::Parcels.delete(session, keys[0]))
        .unwrap();
    quiet::Parcels.delete(&mut session, keys[1]).unwrap();
    session
        .transaction(|session| Parcels.delete(session, keys[2]))
        .unwrap();
    Parcels.delete(&mut session, keys[3]).unwrap();
    assert_eq!(stand(&database), (0, 4));
    assert_eq!(
        trace.take(),
        ["parcel_post_delete c", "parcel_post_delete d"]
    );
}

/// PostgreSQL deletes the row from its partition, and the other one takes none.
#[test]
fn an_update_that_moves_its_row_to_a_partition_that_takes_none() {
    for (is_heard, event) in [
        (false, "INSERT"),
        (true, "INSERT"),
        (false, "INSERT OR UPDATE"),
    ] {
        let Some((database, mut session, _trace)) = opened(&format!(
            "CREATE TABLE archive (content TEXT);
             DROP TABLE parcels;
             CREATE TABLE parcels (id BIGINT NOT NULL, content TEXT NOT NULL, state TEXT NOT NULL)
                 PARTITION BY LIST (content);
             CREATE TABLE few PARTITION OF parcels FOR VALUES IN ('a', 'b');
             CREATE TABLE others PARTITION OF parcels DEFAULT;
             CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN IF NEW.state = ''sent'' THEN RETURN NULL; END IF; RETURN NEW; END';
             CREATE TRIGGER skip BEFORE {event} ON others FOR EACH ROW EXECUTE FUNCTION skip();
             INSERT INTO parcels VALUES (1, 'a', 'sent')"
        )) else {
            return;
        };
        let updated = passed_over(&mut session, |session| {
            if is_heard {
                Parcels.update(session, 1, changed())
            } else {
                quiet::Parcels.update(session, 1, changed())
            }
        });
        assert_spoilt(&updated);
        assert_eq!(stand(&database), (1, 0), "heard {is_heard} {event}");
    }
}

/// What was asked before is not believed: a migration may have come in between.
#[test]
fn a_trigger_that_was_created_meanwhile() {
    let Some((database, mut session, _trace)) = opened(TAKE) else {
        return;
    };
    let keys = ["a", "b"].map(|content| {
        quiet::Parcels
            .create(&mut session, parcel(content))
            .unwrap()
            .id
    });
    session
        .transaction(|session| quiet::Parcels.delete(session, keys[0]))
        .unwrap();
    let trigger =
        "CREATE TRIGGER take BEFORE DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION take()";
    database.connection().batch_execute(trigger).unwrap();
    let deleted = passed_over(&mut session, |session| {
        quiet::Parcels.delete(session, keys[1])
    });
    assert_spoilt(&deleted);
    assert_eq!(stand(&database), (1, 0));
}

/// Triggers as Diesel's own migrations set them, and others that cannot have written.
#[test]
fn a_row_that_was_not_there_spoils_nothing() {
    let Some((database, mut session, _trace)) = opened(
        "CREATE TABLE archive (content TEXT);
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW IS DISTINCT FROM OLD THEN NEW.state := 'sent'; END IF; RETURN
                 NEW; END $$;
         CREATE TRIGGER touch BEFORE UPDATE ON parcels FOR EACH ROW EXECUTE FUNCTION touch();
         CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO archive VALUES (OLD.content); RETURN NULL; END $$;
         CREATE TRIGGER log AFTER UPDATE OR DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION log();
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF current_user = 'nobody' THEN RAISE 'no'; END IF; RETURN NULL; END $$;
         CREATE TRIGGER look BEFORE UPDATE OR DELETE ON parcels
             FOR EACH STATEMENT EXECUTE FUNCTION look()",
    ) else {
        return;
    };
    passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 7, changed())
    })
    .unwrap();
    passed_over(&mut session, |session| quiet::Parcels.delete(session, 7)).unwrap();
    assert_eq!(stand(&database), (0, 0));
}

/// What the schema is asked concerns the table alone: the functions that describe a rule open its table, and would
/// wait for whoever changes another one, or fail when that one is gone.
#[test]
fn a_table_beside_it_that_somebody_drops_is_not_asked_about() {
    let Some((database, mut session, _trace)) = opened(
        "SET lock_timeout = '2s';
         CREATE TABLE archive (content TEXT);
         CREATE TABLE beside (content TEXT);
         CREATE RULE put AS ON UPDATE TO beside DO ALSO DELETE FROM archive",
    ) else {
        return;
    };
    let mut other = database.connection();
    other
        .batch_execute("BEGIN; DROP TABLE beside CASCADE")
        .unwrap();
    passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 7, changed())
    })
    .unwrap();
    passed_over(&mut session, |session| quiet::Parcels.delete(session, 7)).unwrap();
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(stand(&database), (0, 0));
}

/// What stands behind a view has triggers that are not its own.
#[test]
fn an_update_through_a_view_whose_table_has_a_trigger() {
    let Some((database, mut session, _trace)) = opened(
        "CREATE TABLE archive (content TEXT);
         ALTER TABLE parcels RENAME TO behind;
         CREATE VIEW parcels AS SELECT * FROM behind;
         CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF pg_trigger_depth() > 1 THEN RETURN OLD; END IF;
             INSERT INTO archive VALUES (OLD.content);
             DELETE FROM behind WHERE id = OLD.id;
             RETURN NULL;
         END $$;
         CREATE TRIGGER take BEFORE UPDATE ON behind FOR EACH ROW EXECUTE FUNCTION take();
         INSERT INTO behind VALUES (1, 'a', 'sent')",
    ) else {
        return;
    };
    let updated = passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 1, changed())
    });
    assert_spoilt(&updated);
    assert_eq!(stand(&database), (1, 0));
}

#[test]
fn a_delete_in_the_place_of_which_a_rule_moves_the_row() {
    let Some((database, mut session, _trace)) = opened(
        "CREATE TABLE archive (content TEXT);
         CREATE RULE move AS ON DELETE TO parcels
             DO INSTEAD UPDATE parcels SET id = -OLD.id WHERE id = OLD.id",
    ) else {
        return;
    };
    let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
    let deleted = passed_over(&mut session, |session| {
        quiet::Parcels.delete(session, there.id)
    });
    assert_spoilt(&deleted);
    let keys = parcels::table
        .select(parcels::id)
        .load::<i64>(&mut database.connection())
        .unwrap();
    assert_eq!(keys, [there.id]);
}

#[test]
fn an_update_in_a_partition_with_a_trigger_of_its_own() {
    let Some((database, mut session, _trace)) = opened(&format!(
        "DROP TABLE parcels;
         CREATE TABLE parcels (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, content TEXT NOT NULL,
             state TEXT NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE few PARTITION OF parcels FOR VALUES FROM (0) TO (100);
         {TAKE}
         CREATE TRIGGER take BEFORE UPDATE ON few FOR EACH ROW EXECUTE FUNCTION take()"
    )) else {
        return;
    };
    let there = quiet::Parcels.create(&mut session, parcel("a")).unwrap();
    let updated = passed_over(&mut session, |session| {
        quiet::Parcels.update(session, there.id, changed())
    });
    assert_spoilt(&updated);
    assert_eq!(stand(&database), (1, 0));
}

/// A function in a language that nobody can look into.
#[test]
fn an_update_with_a_trigger_in_another_language() {
    let Some((_database, mut session, _trace)) = opened("CREATE TABLE archive (content TEXT)")
    else {
        return;
    };
    let extension = "CREATE EXTENSION lo;
        CREATE TRIGGER manage BEFORE UPDATE ON parcels FOR EACH ROW EXECUTE FUNCTION lo_manage(content)";
    if session.conn().batch_execute(extension).is_err() {
        return;
    }
    let updated = passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 7, changed())
    });
    assert_spoilt(&updated);
}

/// Triggers and rules that write, but not where no row is found.
#[test]
fn nor_does_what_is_for_others() {
    let Some((database, mut session, _trace)) = opened(
        "CREATE TABLE archive (content TEXT);
         CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO archive VALUES (TG_OP); RETURN NULL; END $$;
         CREATE TRIGGER put BEFORE INSERT ON parcels FOR EACH STATEMENT EXECUTE FUNCTION put();
         CREATE TRIGGER off BEFORE UPDATE OR DELETE ON parcels FOR EACH STATEMENT EXECUTE FUNCTION put();
         ALTER TABLE parcels DISABLE TRIGGER off;
         CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO archive VALUES (OLD.content); RETURN coalesce(NEW, OLD); END $$;
         CREATE TRIGGER log BEFORE UPDATE OR DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION log();
         CREATE TRIGGER same BEFORE UPDATE ON parcels
             FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
         CREATE RULE also AS ON UPDATE TO parcels DO ALSO
             INSERT INTO archive VALUES (left(OLD.content, 9) || now());
         CREATE RULE none AS ON INSERT TO parcels WHERE NEW.id < 0 DO INSTEAD NOTHING",
    ) else {
        return;
    };
    passed_over(&mut session, |session| {
        quiet::Parcels.update(session, 7, changed())
    })
    .unwrap();
    passed_over(&mut session, |session| quiet::Parcels.delete(session, 7)).unwrap();
    assert_eq!(stand(&database), (0, 0));
}

#[test]
fn a_row_that_a_rule_deletes_is_deleted() -> lback::Result<()> {
    let rule = "CREATE TABLE archive (content TEXT);
        CREATE RULE take AS ON DELETE TO parcels WHERE pg_trigger_depth() = 0 DO ALSO
            INSERT INTO archive VALUES (OLD.content);
        CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            DELETE FROM parcels WHERE content = NEW.content; RETURN NEW;
        END $$;
        CREATE TRIGGER take AFTER INSERT ON archive FOR EACH ROW EXECUTE FUNCTION take();";
    let Some((database, mut session, trace)) = opened(rule) else {
        return Ok(());
    };
    let ids = ["a", "b", "c", "d"].map(|content| {
        let made = quiet::Parcels.create(&mut session, parcel(content));
        made.unwrap().id
    });
    session.transaction(|session| quiet::Parcels.delete(session, ids[0]))?;
    quiet::Parcels.delete(&mut session, ids[1])?;
    Parcels.delete(&mut session, ids[2])?;
    assert!(session.transaction(|session| Parcels.delete_if_there(session, ids[3]))?);
    assert_eq!(stand(&database), (0, 4));
    assert_eq!(
        trace.take(),
        ["parcel_post_delete c", "parcel_post_delete d"]
    );
    Ok(())
}
