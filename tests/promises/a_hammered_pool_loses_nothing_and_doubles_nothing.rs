//! Sixteen threads on a pool of four create, update and delete, with receivers of all phases: the
//! rows, what receivers wrote, and the effects that ran agree exactly with what was reported.
//!
//! `LBACK_HAMMER_SECONDS` says for how long; three seconds unless told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::database::*;
use lback::Error;
use lback_tests::{new_user, note, notes};

own_users!();

const THREADS: u64 = 16;
const POOL: u32 = 4;
/// Rows that everybody changes, in any order, so that deadlocks happen.
const HOT: usize = 6;

#[derive(Default)]
struct Counts {
    created: AtomicU64,
    updated: AtomicU64,
    deleted: AtomicU64,
    undone: AtomicU64,
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[receiver(user_pre_create)]
fn refuse_some(data: &NewUser) -> Result<(), Veto> {
    if data.username.ends_with("vetoed") {
        return Err(Veto::new("not this one"));
    }
    Ok(())
}

#[receiver(user_pre_update, user_pre_delete)]
fn look(user: &User) {
    assert!(!user.username.is_empty());
}

#[receiver(user_post_create, user_post_update, user_post_delete)]
fn audit(signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
    note(conn, signal.name())
}

#[receiver(user_post_create, after_commit)]
fn created(#[state] effects: &Arc<Counts>) {
    add(&effects.created);
}

#[receiver(user_post_update, after_commit)]
fn updated(#[state] effects: &Arc<Counts>) {
    add(&effects.updated);
}

#[receiver(user_post_delete, after_commit)]
fn deleted(#[state] effects: &Arc<Counts>) {
    add(&effects.deleted);
}

#[receiver(user_pre_create, user_post_update, user_post_delete, after_rollback)]
fn undone(#[state] effects: &Arc<Counts>) {
    add(&effects.undone);
}

/// A sequence that differs from thread to thread (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

struct Hammer<'h> {
    pool: &'h lback::Database<Native>,
    hot: &'h [User],
    reported: &'h Counts,
    attempts: &'h AtomicU64,
    transactions: &'h AtomicU64,
    until: Instant,
}

impl Hammer<'_> {
    fn strike(&self, thread: u64) {
        let mut dice = Dice(thread + 1);
        for _ in 0..20 {
            dice.below(1);
        }
        let mut own = Vec::new();
        for number in 0.. {
            if Instant::now() > self.until {
                return;
            }
            let name = format!("user {thread} {number}");
            match dice.below(10) {
                0..3 => own.push(self.create(&name)),
                3 => self.vetoed(&format!("{name} vetoed")),
                4..8 => {
                    let (one, two) = (dice.below(HOT), dice.below(HOT));
                    self.update(&self.hot[one], &self.hot[two], &name);
                }
                _ => {
                    if let Some(user) = own.pop() {
                        self.delete(&user);
                    }
                }
            }
        }
    }

    /// Only what is retryable comes back from a transaction that nobody refused.
    fn transaction<T>(&self, mut work: impl FnMut(&mut Session) -> lback::Result<T>) -> T {
        add(self.transactions);
        let mut session = self.pool.session().expect("one becomes free");
        session
            .transaction_with_retries(200, |session| {
                add(self.attempts);
                work(session).inspect_err(|error| {
                    assert!(error.is_retryable(), "not a deadlock: {error}");
                })
            })
            .expect("it works sooner or later")
    }

    fn create(&self, name: &str) -> User {
        let user = self.transaction(|session| Users.create(session, new_user(name)));
        add(&self.reported.created);
        user
    }

    fn vetoed(&self, name: &str) {
        let mut session = self.pool.session().expect("one becomes free");
        let vetoed = session.transaction(|session| Users.create(session, new_user(name)));
        match vetoed {
            Err(Error::Vetoed { .. }) => {}
            Err(error) if error.is_retryable() => {}
            other => panic!("{other:?}"),
        }
    }

    /// Two rows in one transaction, the second in a savepoint.
    fn update(&self, one: &User, two: &User, text: &str) {
        let changes = |text: &str| UserChanges {
            auth_token: Some(Some(lback::Secret::new(text.to_owned()))),
            ..UserChanges::default()
        };
        self.transaction(|session| {
            Users.update(session, one, changes(text))?;
            session.transaction(|session| Users.update(session, two, changes(text)))
        });
        add(&self.reported.updated);
        add(&self.reported.updated);
    }

    fn delete(&self, user: &User) {
        self.transaction(|session| Users.delete(session, user));
        add(&self.reported.deleted);
    }
}

fn seconds() -> u64 {
    let seconds = std::env::var("LBACK_HAMMER_SECONDS").ok();
    seconds.map_or(3, |seconds| seconds.parse().expect("a number of seconds"))
}

#[test]
fn rows_notes_and_effects_agree() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let effects = Arc::new(Counts::default());
    let failures = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::clone(&failures);
    let pool = lback::Database::<Native>::builder()
        .max_size(POOL)
        .wait(Duration::from_secs(60))
        .with_state(Arc::clone(&effects))
        .with_failure_handler(move |failure| {
            let failure = failure.to_string();
            failed.lock().expect("nobody panics").push(failure);
        })
        .connect(&database.url())?;
    let hot: Vec<_> = (0..HOT)
        .map(|row| new_user(&format!("hot {row}")))
        .collect();
    let hot = pool.transaction(|session| Users.create_many(session, hot))?;

    let (reported, attempts, transactions) = Default::default();
    let hammer = Hammer {
        pool: &pool,
        hot: &hot,
        reported: &reported,
        attempts: &attempts,
        transactions: &transactions,
        until: Instant::now() + Duration::from_secs(seconds()),
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let hammer = &hammer;
            scope.spawn(move || hammer.strike(thread));
        }
    });

    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let created = count(&reported.created) + hot.len() as u64;
    let (updated, deleted) = (count(&reported.updated), count(&reported.deleted));
    println!(
        "{NAME}: {} transactions in {} attempts; {created} created, {updated} updated, {deleted} \
         deleted, {} undone",
        count(&transactions),
        count(&attempts),
        count(&effects.undone),
    );
    let failures = failures.lock().expect("nobody panics");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(count(&effects.created), created);
    assert_eq!(count(&effects.updated), updated);
    assert_eq!(count(&effects.deleted), deleted);
    let mut session = database.session();
    let rows = u64::try_from(Users.count(&mut session)?).expect("not negative");
    assert_eq!(rows, created - deleted);
    let notes = notes(&mut session);
    for (signal, reported) in [
        ("user_post_create", created),
        ("user_post_update", updated),
        ("user_post_delete", deleted),
    ] {
        let noted = notes.iter().filter(|note| *note == signal).count() as u64;
        assert_eq!(noted, reported, "{signal}");
    }
    assert_eq!(pool.size(), (POOL, POOL), "no connection was given up");
    Ok(())
}
