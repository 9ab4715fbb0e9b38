//! Without the table of the outbox, or with an argument that cannot be encoded, the transaction fails before its
//! COMMIT, says why, and leaves nothing.

use crate::database::*;
use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::{count, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "unstored.tell")]
fn tell(_user: &User) {}

struct Shy;

impl lback::outbox::Payload for Shy {
    type Owned = Self;

    fn encode<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it is shy"))
    }

    fn decode<'de, D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[signal]
struct GuestArrived<'a> {
    guest: &'a Shy,
    session: &'a mut Session,
}

#[receiver(guest_arrived, durable, id = "unstored.greet")]
fn greet(_guest: &Shy) {}

#[test]
fn the_table_must_be_there() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let refused = Users
        .create(&mut session, new_user("ada"))
        .expect_err("there is no table");
    assert!(matches!(refused, Error::NoOutbox), "{refused:?}");
    assert!(refused.to_string().contains("migrate_outbox"), "{refused}");
    assert_eq!(count("users", &mut session), 0);
    for refused in [
        session.deliver_all().map(drop),
        session.outbox().depths().map(drop),
        session
            .outbox()
            .replay("01890000-0000-7000-8000-000000000000")
            .map(drop),
    ] {
        assert!(matches!(refused, Err(Error::NoOutbox)), "{refused:?}");
    }
    migrate_outbox(&mut session)?;
    migrate_outbox(&mut session)?;
    Users.create(&mut session, new_user("ada"))?;
    assert_eq!(session.deliver_all()?.done, 1);
    Ok(())
}

/// What fails for another reason says that, also where there is no table.
#[test]
fn an_argument_is_looked_at_first() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let guest = &Shy;
    let refused = session.transaction(|session| GuestArrived { guest, session }.send());
    assert!(
        matches!(refused, Err(Error::ReceiverFailed { .. })),
        "{refused:?}"
    );
    Ok(())
}

#[test]
fn an_argument_must_be_encoded() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    let refused: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        GuestArrived {
            guest: &Shy,
            session,
        }
        .send()
    });
    let Err(Error::ReceiverFailed {
        receiver, source, ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(receiver.id, "unstored.greet");
    assert_eq!(
        source.to_string(),
        "the argument `guest` cannot be stored: it is shy"
    );
    assert_eq!(count("users", &mut session), 0);
    assert_eq!(count("lback_outbox", &mut session), 0);
    Ok(())
}

/// By a trigger, where there are such.
#[test]
fn a_row_must_not_be_kept_out() -> lback::Result<()> {
    let trigger = match NAME {
        "SQLite" => {
            "CREATE TRIGGER keep_out BEFORE INSERT ON lback_outbox BEGIN SELECT RAISE(IGNORE); END"
        }
        "PostgreSQL" => {
            "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER keep_out BEFORE INSERT ON lback_outbox FOR EACH ROW EXECUTE FUNCTION keep_out()"
        }
        _ => return Ok(()),
    };
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    database.connection().batch_execute(trigger)?;
    let mut session = database.session();
    let refused = Users
        .create(&mut session, new_user("ada"))
        .expect_err("its row is not stored");
    assert!(refused.to_string().contains("lback_outbox"), "{refused}");
    assert_eq!(count("users", &mut session), 0);
    Ok(())
}

#[test]
fn delivering_has_transactions_of_its_own() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    let refused = session.transaction(Session::deliver_all);
    assert!(matches!(refused, Err(Error::NotOutermost)), "{refused:?}");
    Ok(())
}
