//! Whoever does something to a row that was claimed names its lease: after another has taken the row over,
//! nothing happens to it, and an exactly-once receiver is not even called.

use std::time::Duration;

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::outbox::{Snooze, Undeliverable};
use lback_tests::{Trace, count, new_user, note, notes};

own_users!();

struct Thief(std::sync::Mutex<Native>);

impl Thief {
    /// As another worker takes over, once the lease is over.
    fn take_all(&self) {
        let mut connection = self.0.lock().expect("nobody panics");
        connection
            .batch_execute("UPDATE lback_outbox SET lease = 'another'")
            .expect("it is a statement");
    }
}

#[receiver(user_post_create, durable, id = "lease.tell")]
fn tell(
    #[state] thief: &Thief,
    #[state] trace: &Trace,
    user: &User,
) -> Result<(), lback::BoxError> {
    trace.note(&user.username);
    thief.take_all();
    match &*user.username {
        "fails" => Err("for a reason".into()),
        "later" => Err(Snooze(Duration::from_secs(60)).into()),
        "never" => Err(Undeliverable("there is no such address".into()).into()),
        _ => Ok(()),
    }
}

/// Delivers its own row, and takes the others over.
#[receiver(user_post_update, durable, id = "lease.write")]
fn write(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &user.username)?;
    conn.batch_execute("UPDATE lback_outbox SET lease = 'another'")
}

fn prepared() -> Option<(Database, Session, Trace)> {
    let database = Database::with_outbox()?;
    let trace = Trace::new();
    let thief = Thief(database.connection().into());
    let session = database
        .session()
        .with_state(trace.clone())
        .with_state(thief);
    Some((database, session, trace))
}

#[test]
fn what_was_taken_over_is_the_others() -> lback::Result<()> {
    for name in ["works", "fails", "later", "never"] {
        let Some((_database, mut session, trace)) = prepared() else {
            return Ok(());
        };
        Users.create(&mut session, new_user(name))?;
        let delivered = session.deliver_all()?;
        assert_eq!((delivered.lost, delivered.count()), (1, 1), "{name}");
        assert_eq!(trace.take(), [name]);
        // With all that belongs to the other.
        let is_untouched = "lback_outbox WHERE lease = 'another' AND attempts = 1 AND last_error IS NULL AND dead_at IS NULL";
        assert_eq!(count(is_untouched, &mut session), 1);
        assert_eq!(session.outbox().depths()?[0].running, 1);
    }
    Ok(())
}

#[test]
fn an_exactly_once_receiver_is_not_called() -> lback::Result<()> {
    let Some((_database, mut session, _)) = prepared() else {
        return Ok(());
    };
    for name in ["ada", "bob"] {
        let user = session.mute(tell, |session| Users.create(session, new_user(name)))?;
        let changes = UserChanges {
            is_active: Some(false),
            ..Default::default()
        };
        Users.update(&mut session, &user, changes)?;
    }
    let delivered = session.deliver_all()?;
    assert_eq!((delivered.done, delivered.lost), (1, 1));
    assert_eq!(notes(&mut session), ["ada"]);
    assert_eq!(session.outbox().depths()?[0].running, 1);
    Ok(())
}
