//! An `ordered` receiver gets the rows of one key one by one, in the order of their commits: one that fails, or is a
//! dead letter, holds up its own key and no other. Discarded, its key goes on. Who dies after a commit before it
//! could say whose turn it is, is made up for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::outbox::{Delivery, Undeliverable};
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_post_update, durable, id = "ordered.tell", ordered = |user: &User| user.id)]
fn tell(
    user: &User,
    #[state] trace: &Trace,
    #[state] delivery: &Delivery,
) -> Result<(), lback::BoxError> {
    trace.note(format!("{} {}", user.username, user.email));
    match &*user.email {
        "hopeless@example.com" => Err(Undeliverable("as it says".into()).into()),
        "later@example.com" if delivery.attempt < 3 => Err("not yet".into()),
        _ => Ok(()),
    }
}

fn emails(session: &mut Session, user: &User, emails: &[&str]) -> lback::Result<()> {
    emails.iter().try_for_each(|email| {
        let changes = UserChanges {
            email: Some(format!("{email}@example.com")),
            ..Default::default()
        };
        Users.update(session, user.id, changes).map(drop)
    })
}

#[test]
fn a_failure_holds_up_its_own_key() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada"))?;
    let bob = Users.create(&mut session, new_user("bob"))?;
    // The second inside one transaction with what goes before.
    session.transaction(|session| emails(session, &ada, &["a1", "later"]))?;
    emails(&mut session, &ada, &["a3"])?;
    session.transaction(|session| emails(session, &bob, &["b1", "hopeless", "b3"]))?;

    let delivered = session.deliver_all()?;
    assert_eq!(
        (delivered.done, delivered.failed, delivered.dead),
        (4, 2, 1)
    );
    let told = trace.take();
    let of = |name: &str| -> Vec<String> {
        let own = told.iter().filter_map(|told| told.strip_prefix(name));
        own.map(|email| email.trim().replace("@example.com", ""))
            .collect()
    };
    assert_eq!(of("ada"), ["a1", "later", "later", "later", "a3"]);
    assert_eq!(of("bob"), ["b1", "hopeless"]);
    let depth = session.outbox().depths()?.remove(0);
    assert_eq!((depth.held, depth.dead, depth.ready), (1, 1, 0));
    // The dead letter of bob holds up bob alone.
    emails(&mut session, &ada, &["a4"])?;
    assert_eq!(session.deliver_all()?.done, 1);
    assert_eq!(trace.take(), ["ada a4@example.com"]);

    let letter = session.outbox().dead_letters(1)?.remove(0);
    assert!(session.outbox().discard(&letter.id)?);
    assert_eq!(session.deliver_all()?.done, 1);
    assert_eq!(trace.take(), ["bob b3@example.com"]);
    Ok(())
}

#[test]
fn of_two_that_are_due_the_first_goes_first() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada"))?;
    emails(&mut session, &ada, &["later", "a2"])?;
    // As where the second was committed, and had its turn, while the first was not committed yet.
    session
        .conn()
        .batch_execute("UPDATE lback_outbox SET due_at = queued_at")?;
    let delivered = session.deliver_all()?;
    assert_eq!((delivered.done, delivered.failed), (2, 2));
    let later = "ada later@example.com";
    assert_eq!(trace.take(), [later, later, later, "ada a2@example.com"]);
    Ok(())
}

#[test]
fn who_dies_after_a_commit_is_made_up_for() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let ada = Users.create(&mut session, new_user("ada"))?;
    emails(&mut session, &ada, &["a1", "a2"])?;
    // As a writer leaves them that was killed between COMMIT and the statement after it.
    session
        .conn()
        .batch_execute("UPDATE lback_outbox SET due_at = NULL")?;
    assert_eq!(session.outbox().depths()?[0].held, 2);
    assert_eq!(session.deliver_all()?.done, 2);
    assert_eq!(trace.take(), ["ada a1@example.com", "ada a2@example.com"]);

    emails(&mut session, &ada, &["a3"])?;
    session
        .conn()
        .batch_execute("UPDATE lback_outbox SET due_at = NULL")?;
    let pool = lback::Database::<Native>::builder()
        .with_state(trace.clone())
        .with_registry(&lback::manual_registry![tell]?);
    let pool = pool.connect(&database.url())?;
    let worker = workers::start(&pool)?;
    workers::wait_until_empty(&mut session);
    assert_eq!(worker.stop().done, 1);
    Ok(())
}

mod workers {
    use super::*;

    own_users!();

    /// What each key has got, and which are at work.
    #[derive(Default)]
    pub(super) struct Book {
        got: Mutex<BTreeMap<String, Vec<i64>>>,
        at_work: Mutex<BTreeSet<String>>,
    }

    #[receiver(user_post_update, durable, id = "ordered.book", ordered = |user: &User| &user.username)]
    fn enter(user: &User, #[state] book: &Arc<Book>, #[state] delivery: &Delivery) {
        let is_alone = book
            .at_work
            .lock()
            .expect("sound")
            .insert(user.username.clone());
        assert!(is_alone, "two rows of {} at once", user.username);
        std::thread::sleep(Duration::from_micros(300));
        let mut got = book.got.lock().expect("sound");
        got.entry(user.username.clone())
            .or_default()
            .push(delivery.seq);
        book.at_work.lock().expect("sound").remove(&user.username);
    }

    pub(super) fn start(pool: &lback::Database<Native>) -> lback::Result<lback::outbox::Worker> {
        pool.worker()
            .threads(3)
            .claim(4)
            .poll(Duration::from_millis(50))
            .start()
    }

    pub(super) fn wait_until_empty(session: &mut Session) {
        let start = Instant::now();
        while count("lback_outbox", session) > 0 {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the outbox is not empty"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn no_two_at_once_and_none_out_of_order() -> lback::Result<()> {
        const KEYS: usize = 3;
        const ROWS: usize = 20;
        let Some(database) = Database::with_outbox() else {
            return Ok(());
        };
        let book = Arc::<Book>::default();
        let pool = lback::Database::<Native>::builder()
            .with_state(Arc::clone(&book))
            .with_registry(&lback::manual_registry![enter]?)
            .connect(&database.url())?;
        let worker = start(&pool)?;
        std::thread::scope(|scope| {
            for key in 0..KEYS {
                let mut session = database.session();
                scope.spawn(move || {
                    let user = Users.create(&mut session, new_user(&format!("key{key}")));
                    let user = user.expect("it is valid");
                    for row in 0..ROWS {
                        let changes = UserChanges {
                            email: Some(format!("k{key}r{row}@example.com")),
                            ..Default::default()
                        };
                        let updated = session.transaction_with_retries(20, |session| {
                            Users.update(session, user.id, changes.clone())
                        });
                        updated.expect("it is valid");
                    }
                });
            }
        });
        wait_until_empty(&mut database.session());
        let delivered = worker.stop();
        assert_eq!(
            (delivered.done, delivered.failed),
            ((KEYS * ROWS) as u64, 0)
        );
        let got = book.got.lock().expect("sound");
        for (key, seqs) in got.iter() {
            assert!(seqs.len() == ROWS && seqs.is_sorted(), "{key}: {seqs:?}");
        }
        Ok(())
    }
}

mod two_receivers {
    use super::*;

    own_users!();

    #[receiver(user_post_update, durable, id = "ordered.one", ordered = |user: &User| user.id)]
    fn one(user: &User) {
        assert!(!user.username.is_empty());
    }

    #[receiver(user_post_update, durable, id = "ordered.other", ordered = |user: &User| user.id)]
    fn other(user: &User) {
        assert!(!user.username.is_empty());
    }

    #[test]
    fn the_first_of_each_key_is_due_when_its_writer_has_committed() -> lback::Result<()> {
        let Some(database) = Database::with_outbox() else {
            return Ok(());
        };
        let mut session = database.session();
        let ada = Users.create(&mut session, new_user("ada"))?;
        let bob = Users.create(&mut session, new_user("bob"))?;
        session.transaction(|session| {
            [&ada, &bob].iter().try_for_each(|user| {
                ["x", "y"].iter().try_for_each(|email| {
                    let changes = UserChanges {
                        email: Some(format!("{}{email}@example.com", user.username)),
                        ..Default::default()
                    };
                    Users.update(session, user.id, changes).map(drop)
                })
            })
        })?;
        let depths = session.outbox().depths()?;
        let of_each: Vec<_> = depths
            .iter()
            .map(|it| (&*it.receiver, it.ready, it.held))
            .collect();
        assert_eq!(of_each, [("ordered.one", 2, 2), ("ordered.other", 2, 2)]);
        Ok(())
    }
}
