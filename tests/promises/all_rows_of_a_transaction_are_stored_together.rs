//! What a transaction stores for durable receivers is one INSERT just before its COMMIT, however many they are
//! up to 16, and few beyond; an argument that several name is encoded once. It stands in for the question
//! whether COMMIT can be believed.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use crate::database::*;
use diesel::connection::InstrumentationEvent;
use lback_tests::{count, new_user};

thread_local! {
    /// By this test: others run beside it.
    static ENCODED: Cell<u32> = const { Cell::new(0) };
}

struct Letter(String);

impl lback::outbox::Payload for Letter {
    type Owned = Self;

    fn encode<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODED.set(ENCODED.get() + 1);
        serializer.serialize_str(&self.0)
    }

    fn decode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self)
    }
}

#[signal]
struct LetterWritten<'a> {
    letter: &'a Letter,
    to: &'a str,
    session: &'a mut Session,
}

macro_rules! receivers {
    ($($name:ident $id:literal)*) => {
        $(
            #[receiver(letter_written, durable, id = $id)]
            fn $name(letter: &Letter, to: &str) {
                assert_eq!(letter.0, to);
            }
        )*
    };
}

receivers! { one "together.1" two "together.2" three "together.3" four "together.4" five "together.5" six "together.6" }

own_users!();

#[receiver(user_post_create, durable, id = "together.user")]
fn told(user: &User) {
    assert!(user.is_active);
}

fn write(to: &str, session: &mut Session) -> lback::Result<()> {
    let letter = &Letter(to.to_owned());
    LetterWritten {
        letter,
        to,
        session,
    }
    .send()
}

fn statements(session: &mut Session) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&seen);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                // Other processes are told after the commit, now and then.
                if text.starts_with("NOTIFY") {
                    return;
                }
                let word = text.split([' ', '\n']).next().unwrap_or_default();
                log.lock().expect("nobody panics").push(word.to_owned());
            }
        });
    seen
}

#[test]
fn six_receivers_of_a_hundred_sendings_take_few_statements() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    let seen = statements(&mut session);
    session.transaction(|session| {
        (0..100).try_for_each(|i| {
            let to = format!("friend {i}");
            write(&to, session)
        })
    })?;
    // 600 rows: 128 four times, 64, 16, 8.
    let times = |word: &str| {
        let seen = seen.lock().expect("sound");
        seen.iter().filter(|it| *it == word).count()
    };
    assert_eq!(times("INSERT"), 4 + 1 + 1 + 1);
    assert_eq!(times("SAVEPOINT"), 0);
    assert_eq!(ENCODED.get(), 100);
    assert_eq!(count("lback_outbox", &mut session), 600);
    assert_eq!(session.deliver_all()?.done, 600);
    session.take_failures().assert_none();
    Ok(())
}

#[test]
fn a_create_takes_one_statement_more() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    // What a server has to be asked for, it is asked now.
    Users.create(&mut session, new_user("eve"))?;
    let seen = statements(&mut session);
    session.mute(told, |session| Users.create(session, new_user("ada")))?;
    let mut without = std::mem::take(&mut *seen.lock().expect("sound"));
    Users.create(&mut session, new_user("bob"))?;
    let with = std::mem::take(&mut *seen.lock().expect("sound"));
    let commit = without.pop().expect("it committed");
    without.extend(["INSERT".to_owned(), commit]);
    assert_eq!(with, without);
    Ok(())
}

#[test]
fn a_signal_by_itself_has_a_transaction() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    write("ada", &mut session)?;
    assert_eq!(session.deliver_all()?.done, 6);
    let refused = session.read(|session| write("ada", session));
    assert!(
        matches!(refused, Err(lback::Error::ReadOnly)),
        "{refused:?}"
    );
    Ok(())
}

#[signal]
struct PostcardCame<'a> {
    from: &'a str,
    session: &'a mut Session,
}

#[receiver(postcard_came)]
fn read(from: &str) {
    assert!(!from.is_empty());
}

#[test]
fn a_signal_without_durable_receivers_has_none() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let seen = statements(&mut session);
    let session = &mut session;
    let from = "grace";
    PostcardCame { from, session }.send()?;
    assert_eq!(*seen.lock().expect("sound"), [""; 0]);
    Ok(())
}
