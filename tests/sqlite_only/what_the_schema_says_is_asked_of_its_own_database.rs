//! What the schema says of a table is asked of the database that the table is in: another that is attached, and that
//! somebody has locked, keeps nobody from writing, and is not locked either.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::parcels::{Parcel, ParcelChanges, create_table, parcel};
use lback_tests::{Trace, count};

use crate::database::*;

own_parcels!();

#[receiver(parcel_post_update, parcel_post_delete)]
fn done(parcel: &Parcel, #[state] trace: &Trace) {
    trace.note(&parcel.content);
}

fn changed() -> ParcelChanges {
    ParcelChanges {
        content: Some("changed".to_owned()),
        state: None,
    }
}

#[test]
fn whatever_others_do_with_one_that_is_attached() {
    let (database, other) = (Database::empty().unwrap(), Database::empty().unwrap());
    let mut rival = other.connection();
    rival
        .batch_execute("PRAGMA journal_mode = DELETE; CREATE TABLE far (n INTEGER)")
        .unwrap();
    let mut connection = database.connection();
    create_table(&mut connection, MADE_KEY, "");
    connection
        .batch_execute(&format!(
            "ATTACH '{}' AS far; PRAGMA busy_timeout = 50",
            other.url()
        ))
        .unwrap();
    let mut session = Session::new(connection).unwrap().with_state(Trace::new());
    rival.batch_execute("BEGIN EXCLUSIVE").unwrap();

    // `BEGIN IMMEDIATE` would lock all of them.
    let deferred = lback::TransactionOptions::new().lock(lback::transaction::Lock::Deferred);
    session
        .transaction_with(&deferred, |session| {
            let one = Parcels.create(session, parcel("one"))?;
            Parcels.update(session, one.id, changed())?;
            let missing = Parcels.update(session, 70, changed());
            assert!(
                matches!(missing, Err(Error::NotFound { .. })),
                "{missing:?}"
            );
            let missing = Parcels.delete(session, 70);
            assert!(
                matches!(missing, Err(Error::NotFound { .. })),
                "{missing:?}"
            );
            rival.batch_execute("INSERT INTO far VALUES (1); COMMIT")?;
            Parcels.delete(session, one.id)
        })
        .unwrap();
    assert_eq!(count("far.far", &mut session), 1);
}

/// A table of a database that is attached is looked for there, and a temporary trigger reaches all.
#[test]
fn and_of_that_one_for_its_own_tables() {
    let trigger = "CREATE TABLE {log} (what TEXT);
        CREATE TRIGGER {no} AFTER INSERT ON {on} WHEN NEW.content = 'bad'
            BEGIN INSERT INTO log VALUES ('seen'); SELECT RAISE(FAIL, 'no'); END";
    for (log, no, on) in [
        ("far.log", "far.no", "parcels"),
        ("log", "temp.no", "far.parcels"),
    ] {
        let (database, other) = (Database::empty().unwrap(), Database::empty().unwrap());
        create_table(&mut other.connection(), MADE_KEY, "");
        let mut session = Session::new(database.connection()).unwrap();
        session
            .conn()
            .batch_execute(&format!("ATTACH '{}' AS far", other.url()))
            .unwrap();
        let ddl = trigger.replace("{log}", log).replace("{no}", no);
        session
            .conn()
            .batch_execute(&ddl.replace("{on}", on))
            .unwrap();
        let done: lback::Result<()> = session.transaction(|session| {
            Parcels.create(session, parcel("first"))?;
            assert!(Parcels.create(session, parcel("bad")).is_err());
            Ok(())
        });
        done.unwrap();
        assert_eq!(count("parcels", &mut session), 1, "{no}");
        assert_eq!(count(log, &mut session), 0, "{no}");
    }
}
