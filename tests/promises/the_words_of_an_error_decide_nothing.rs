//! The text of an error may be a user's: that of a trigger, of a constraint, of a value. Whatever it
//! says, the transaction is what the database says of it, and the session stays usable.

use diesel::connection::SimpleConnection as _;
use lback_tests::parcels::{create_table, parcel, parcels};

use crate::database::*;

own_parcels!();

/// Words of the databases' own, and sentences that hold them.
const WORDS: [&str; 16] = [
    "no",
    "interrupted",
    "a shipment that was interrupted cannot be resumed",
    "no such savepoint: home",
    "no transaction is active",
    "out of memory",
    "database or disk is full",
    "disk I/O error",
    "Malformed phone number",
    "Lost connection to the warehouse",
    "Server has gone away",
    "SAVEPOINT lback_guard does not exist",
    "Deadlock found when trying to get lock",
    "database is locked",
    "current transaction is aborted, commands ignored until end of transaction block",
    "server closed the connection unexpectedly",
];

fn trigger(words: &str) -> String {
    match NAME {
        "SQLite" => format!(
            "CREATE TRIGGER no BEFORE INSERT ON parcels WHEN NEW.content = 'bad'
                 BEGIN SELECT RAISE(ABORT, '{words}'); END"
        ),
        "PostgreSQL" => format!(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION '{words}'; END $$;
             CREATE TRIGGER no BEFORE INSERT ON parcels FOR EACH ROW
                 WHEN (NEW.content = 'bad') EXECUTE FUNCTION no()"
        ),
        _ => format!(
            "CREATE TRIGGER no BEFORE INSERT ON parcels FOR EACH ROW
             BEGIN
                 IF NEW.content = 'bad' THEN
                     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{words}';
                 END IF;
             END"
        ),
    }
}

#[test]
fn whatever_a_trigger_says() {
    for words in WORDS {
        let Some(database) = Database::empty() else {
            return;
        };
        let mut session = database.session();
        create_table(session.conn(), MADE_KEY, "");
        session
            .conn()
            .batch_execute(&trigger(words))
            .expect("it is SQL");

        let alone = Parcels.create(&mut session, parcel("bad"));
        assert!(alone.is_err(), "{words}");
        Parcels
            .create(&mut session, parcel("alone"))
            .unwrap_or_else(|error| panic!("{words}: {error:?}"));

        // On PostgreSQL a failure ends its level, whatever it says: there it has one of its own.
        session
            .transaction(|session| {
                Parcels.create(session, parcel("first"))?;
                if NAME == "PostgreSQL" {
                    let inner =
                        session.transaction(|session| Parcels.create(session, parcel("bad")));
                    assert!(inner.is_err(), "{words}");
                } else {
                    assert!(Parcels.create(session, parcel("bad")).is_err(), "{words}");
                }
                Parcels.create(session, parcel("after"))
            })
            .unwrap_or_else(|error| panic!("{words}: {error:?}"));
        let stored: Vec<String> = parcels::table
            .select(parcels::content)
            .order(parcels::id)
            .load(&mut database.connection())
            .unwrap();
        assert_eq!(stored, ["alone", "first", "after"], "{words}");
    }
}
