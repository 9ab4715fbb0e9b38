//! One program with every kind of durable receiver and every option, delivered here and now and by a worker: a mail
//! at least once under one key, a row exactly once, a publication on tokio, and another system told one by one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::BoxError;
use lback::outbox::{Delivered, Delivery, Snooze, Undeliverable};
use lback_tests::{Trace, count, new_user, note, notes};

own_users!();

/// Names neither conn nor session: at least once, outside of any transaction, under a lease.
#[receiver(user_post_create, durable, id = "mail.welcome")]
fn welcome(
    user: &User,
    #[state] delivery: &Delivery,
    #[state] mailer: &Mailer,
) -> Result<(), MailError> {
    mailer.send(&user.email, "Welcome!", &delivery.id)
}

/// Names conn (or session): its database writes happen exactly once, in one transaction with the mark that it is done.
#[receiver(user_post_create, durable, id = "audit.user", alias = "old.audit")]
fn audit(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &format!("created {}", user.username))
}

/// On tokio; all that a worker has claimed is in flight at once.
#[receiver(user_post_create, durable, id = "nats.users")]
async fn publish(
    user: &User,
    #[state] nats: &Nats,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    nats.publish("users", &user.username, &delivery.id).await
}

/// One by one for each key.
#[receiver(user_post_update, durable, id = "crm", ordered = |user: &User| user.id, version = 2, upcast = from_v1, max_attempts = 10, lease = 30, batch = 16)]
fn crm(user: &User, conn: &mut Native, #[state] office: &Office) -> Result<(), BoxError> {
    if user.email.starts_with("nobody@") {
        return Err(Undeliverable("there is no such address".into()).into());
    }
    if !office.is_open.load(Ordering::SeqCst) {
        return Err(Snooze(Duration::from_secs(600)).into());
    }
    Ok(note(conn, &format!("told {}", user.email))?)
}

fn from_v1(version: u32, mut payload: serde_json::Value) -> Result<serde_json::Value, BoxError> {
    assert_eq!(version, 1);
    payload["user"] = payload["who"].take();
    Ok(payload)
}

#[derive(Clone, Default)]
struct Mailer(Arc<Mail>);

#[derive(Default)]
struct Mail {
    is_down: AtomicBool,
    /// Every attempt, with its key.
    attempts: Mutex<Vec<(String, String)>>,
}

#[derive(Debug)]
struct MailError;

impl std::fmt::Display for MailError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the mail server is down")
    }
}

impl std::error::Error for MailError {}

impl Mailer {
    fn send(&self, to: &str, text: &str, key: &str) -> Result<(), MailError> {
        assert_eq!(text, "Welcome!");
        let mut attempts = self.0.attempts.lock().expect("nobody panics");
        attempts.push((to.to_owned(), key.to_owned()));
        // It is up again at the next attempt.
        if self.0.is_down.swap(false, Ordering::SeqCst) {
            return Err(MailError);
        }
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Nats(Trace);

impl Nats {
    async fn publish(&self, subject: &str, what: &str, id: &str) -> Result<(), BoxError> {
        assert_eq!(id.len(), 36);
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.note(format!("{subject} {what}"));
        Ok(())
    }
}

#[derive(Default)]
struct Office {
    is_open: AtomicBool,
}

struct World {
    mailer: Mailer,
    nats: Nats,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self {
            mailer: Mailer::default(),
            nats: Nats::default(),
            runtime: builder
                .worker_threads(1)
                .enable_time()
                .build()
                .expect("it can be started"),
        }
    }

    fn attempts(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.mailer.0.attempts.lock().expect("nobody panics"))
    }
}

fn move_to(session: &mut Session, user: &User, address: &str) -> lback::Result<()> {
    let changes = UserChanges {
        email: Some(address.to_owned()),
        ..Default::default()
    };
    Users.update(session, user.id, changes).map(drop)
}

/// What became of the rows, without those that came to nothing.
fn summary(delivered: Delivered) -> (u64, u64, u64, u64) {
    assert_eq!((delivered.lost, delivered.released), (0, 0));
    (
        delivered.done,
        delivered.failed,
        delivered.dead,
        delivered.snoozed,
    )
}

#[test]
fn here_and_now() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let world = World::new();
    let mut session = database
        .session()
        .with_runtime(world.runtime.handle().clone())
        .with_state(world.mailer.clone())
        .with_state(world.nats.clone())
        .with_state(Office::default());

    // A mail that fails at first: the same key at every attempt. The row of an earlier id is audited too.
    world.mailer.0.is_down.store(true, Ordering::SeqCst);
    let ada = Users.create(&mut session, new_user("ada"))?;
    session.conn().batch_execute(
        "UPDATE lback_outbox SET receiver = 'old.audit' WHERE receiver = 'audit.user'",
    )?;
    let depths = session.outbox().depths()?;
    let of = |depth: &lback::outbox::Depth| (depth.receiver.clone(), depth.ready, depth.is_known);
    let mut seen: Vec<_> = depths.iter().map(of).collect();
    seen.sort_unstable();
    let row = |id: &str| (id.to_owned(), 1, true);
    assert_eq!(
        seen,
        [row("mail.welcome"), row("nats.users"), row("old.audit")]
    );
    assert_eq!(summary(session.deliver_all()?), (3, 1, 0, 0));
    let attempts = world.attempts();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0], attempts[1]);
    assert_eq!(notes(&mut session), ["created ada"]);
    assert_eq!(world.nats.0.take(), ["users ada"]);
    assert_eq!(session.take_failures().count, 1);

    // The office is closed: not now, and the attempts are given back. Then the first of the key is hopeless, and
    // holds up what comes after it until somebody decides.
    let bob = Users.create(&mut session, new_user("bob"))?;
    session.deliver_all()?;
    move_to(&mut session, &ada, "a1@example.com")?;
    move_to(&mut session, &bob, "nobody@example.com")?;
    move_to(&mut session, &bob, "b2@example.com")?;
    assert_eq!(summary(session.deliver_all()?), (0, 0, 1, 1));
    assert_eq!(count("lback_outbox WHERE attempts = 0", &mut session), 2);
    let letters = session.outbox().dead_letters(10)?;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].error, "there is no such address");

    // What the version before has stored is read too, once the office is open.
    session.conn().batch_execute(
        "UPDATE lback_outbox SET version = 1, payload = REPLACE(payload, '\"user\"', '\"who\"')",
    )?;
    let mut session = session.with_state(Office {
        is_open: true.into(),
    });
    assert_eq!(summary(session.deliver_all()?), (1, 0, 0, 0));
    assert!(session.outbox().replay(&letters[0].id)?);
    assert_eq!(summary(session.deliver_all()?), (0, 0, 1, 0));
    assert!(session.outbox().discard(&letters[0].id)?);
    assert!(!session.outbox().replay(&letters[0].id)?);
    assert_eq!(summary(session.deliver_all()?), (1, 0, 0, 0));
    assert_eq!(
        notes(&mut session)[2..],
        ["told a1@example.com", "told b2@example.com"]
    );
    assert_eq!(count("lback_outbox", &mut session), 0);
    Ok(())
}

#[test]
fn by_a_worker() -> lback::Result<()> {
    const USERS: usize = 20;
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let world = World::new();
    let pool = lback::Database::<Native>::builder()
        .with_state(world.mailer.clone())
        .with_state(world.nats.clone())
        .with_state(Office {
            is_open: true.into(),
        })
        .with_registry(&lback::manual_registry![welcome, audit, publish, crm]?)
        .connect(&database.url())?;
    let handle = world.runtime.handle().clone();
    let worker = pool.worker().threads(4).claim(100).runtime(handle);
    let worker = listening(worker, &database)?.start()?;

    let mut session = pool.session()?;
    session.transaction_with_retries(10, |session| {
        (0..USERS).try_for_each(|i| {
            let user = Users.create(session, new_user(&format!("user{i}")))?;
            move_to(session, &user, &format!("first{i}@example.com"))?;
            move_to(session, &user, &format!("second{i}@example.com"))
        })
    })?;
    let start = Instant::now();
    while count("lback_outbox", &mut session) > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the outbox is not empty"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let delivered = worker.stop();
    assert_eq!(summary(delivered), (5 * USERS as u64, 0, 0, 0));
    assert_eq!(world.attempts().len(), USERS);
    assert_eq!(world.nats.0.take().len(), USERS);
    let notes = notes(&mut session);
    assert_eq!(notes.len(), 3 * USERS);
    for i in 0..USERS {
        let at = |what: &str| {
            notes
                .iter()
                .position(|note| *note == format!("{what}{i}@example.com"))
        };
        let (first, second) = (at("told first"), at("told second"));
        assert!(first.is_some() && first < second, "{i}: {notes:?}");
    }
    Ok(())
}

#[test]
fn a_worker_says_what_it_lacks() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let world = World::new();
    let builder = || {
        let registry = lback::manual_registry![welcome].expect("they go together");
        lback::Database::<Native>::builder().with_registry(&registry)
    };
    let refused = builder().connect(&database.url())?.worker().start();
    let text = refused.expect_err("there is no mailer").to_string();
    assert!(text.contains("mail.welcome"), "{text}");
    assert!(text.contains("Mailer"), "{text}");
    assert!(
        text.contains("Database::builder().with_state(..)"),
        "{text}"
    );

    let pool = builder().with_state(world.mailer.clone());
    let refused = pool.connect(&database.url())?.worker().start();
    let text = refused.expect_err("there is no table").to_string();
    assert!(text.contains("migrate_outbox"), "{text}");
    Ok(())
}
