//! By lback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lback::postgres::prelude::*;
use lback::{Database, manual_registry};

use super::{Letter, NewLetter, letter, letters};

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = letters)]
pub(super) struct LetterChanges {
    body: Option<String>,
}

impl Validate for NewLetter {}
impl Validate for LetterChanges {}

#[lback::repository(
    entity = Letter,
    table = letters,
    insert = NewLetter,
    update = LetterChanges,
    connection = PgConnection
)]
struct Letters;

/// How many were delivered.
#[derive(Default)]
pub(super) struct Done(AtomicU64);

macro_rules! at_least_once {
    ($($name:ident $id:literal)*) => {
        $(
            #[receiver(letter_post_create, durable, id = $id)]
            fn $name(letter: &Letter, #[state] done: &Arc<Done>) {
                assert!(letter.id > 0);
                done.0.fetch_add(1, Ordering::Relaxed);
            }
        )*
    };
}

at_least_once! { one "bench.1" two "bench.2" three "bench.3" four "bench.4" five "bench.5" six "bench.6" }

#[receiver(letter_post_create, durable, id = "bench.alone")]
fn alone(letter: &Letter, conn: &mut PgConnection, #[state] done: &Arc<Done>) {
    let _ = (letter, conn);
    done.0.fetch_add(1, Ordering::Relaxed);
}

#[receiver(letter_post_create, durable, id = "bench.batch", batch = 32)]
fn batch(letter: &Letter, conn: &mut PgConnection, #[state] done: &Arc<Done>) {
    let _ = (letter, conn);
    done.0.fetch_add(1, Ordering::Relaxed);
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    AtLeastOnce(u32),
    Alone,
    Batch,
}

impl How {
    pub(super) const ALL: [Self; 4] = [
        Self::AtLeastOnce(32),
        Self::AtLeastOnce(256),
        Self::Alone,
        Self::Batch,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce(32) => "at least once, claims of 32",
            Self::AtLeastOnce(_) => "at least once, claims of 256",
            Self::Alone => "exactly once, each alone",
            Self::Batch => "exactly once, `batch = 32`",
        }
    }

    pub(super) fn receiver(self) -> &'static str {
        match self {
            Self::AtLeastOnce(_) => "bench.1",
            Self::Alone => "bench.alone",
            Self::Batch => "bench.batch",
        }
    }

    pub(super) fn claim(self) -> u32 {
        match self {
            Self::AtLeastOnce(claim) => claim,
            Self::Alone | Self::Batch => 32,
        }
    }
}

/// With so many durable receivers.
pub(super) fn session(url: &str, receivers: usize) -> Session {
    let registry = match receivers {
        1 => manual_registry![one],
        _ => manual_registry![one, two, three, four, five, six],
    };
    let session = lback::postgres::connect(url).expect("the server answers");
    session.with_registry(&registry.expect("it is sound"))
}

pub(super) fn create(session: &mut Session) {
    Letters.create(session, letter()).expect("it is valid");
}

/// A worker of one thread, from its start until all are gone.
pub(super) fn deliver(url: &str, how: How, rows: u64) -> Duration {
    let done = Arc::<Done>::default();
    let registry = match how {
        How::AtLeastOnce(_) => manual_registry![one],
        How::Alone => manual_registry![alone],
        How::Batch => manual_registry![batch],
    };
    let database = Database::<PgConnection>::builder()
        .max_size(2)
        .with_state(Arc::clone(&done))
        .with_registry(&registry.expect("it is sound"))
        .connect(url)
        .expect("the server answers");
    let worker = database.worker().claim(how.claim()).start();
    let worker = worker.expect("all is there");
    let begun = Instant::now();
    while done.0.load(Ordering::Relaxed) < rows {
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = begun.elapsed();
    assert_eq!(worker.stop().done, rows);
    took
}
