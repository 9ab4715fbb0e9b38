//! On a PostgreSQL: `LBACK_TEST_POSTGRES_URL` names one, and `tests/services up` starts one.

mod broken_off;
mod over_http;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use lback::diesel_async::{Database, prelude::*};
use tokio::runtime::{Builder, Runtime};

use crate::booking::{Booking, bookings, journal, shows};
use crate::message::Mailbox;
use crate::{create_tables, database};

/// A schema of a test's own, gone with it.
struct Theatre {
    url: String,
    schema: String,
    mailbox: Mailbox,
    /// Sees what is stored.
    session: Mutex<Session>,
}

impl Theatre {
    /// Says so if there is no server.
    fn open(runtime: &Runtime) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("LBACK_TEST_POSTGRES_URL") else {
            println!(
                "left out: LBACK_TEST_POSTGRES_URL is not set (`tests/services up` starts a server)"
            );
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("lback_booking_{}_{number}", std::process::id());
        let url = format!("{server}?options=-csearch_path%3D{schema}");
        let session = lback::diesel_async::connect(&url).expect("the server answers");
        let theatre = Self {
            session: Mutex::new(session),
            mailbox: Mailbox::default(),
            schema,
            url,
        };
        let create = format!("CREATE SCHEMA {}", theatre.schema);
        let created = theatre.session().conn().batch_execute(&create);
        created.expect("the user may create schemas");
        let created = runtime.block_on(create_tables(&theatre.database()));
        created.expect("the schema is empty");
        Some(theatre)
    }

    /// A pool of its own.
    fn database(&self) -> Database {
        database(&self.url, &self.mailbox).expect("the receivers are in order")
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more show; its number.
    fn show(&self, seats: i32) -> i64 {
        diesel::insert_into(shows::table)
            .values((
                // That of the first one was given, and the server does not know of it.
                shows::id.eq(i64::from(seats) + 1),
                shows::title.eq("Hamlet"),
                shows::seats.eq(seats),
            ))
            .returning(shows::id)
            .get_result(self.session().conn())
            .expect("the table is there")
    }

    fn bookings(&self) -> Vec<Booking> {
        bookings::table
            .order(bookings::id)
            .select(Booking::as_select())
            .load(self.session().conn())
            .expect("the table is there")
    }

    fn journal(&self) -> Vec<String> {
        journal::table
            .order(journal::id)
            .select(journal::line)
            .load(self.session().conn())
            .expect("the table is there")
    }
}

impl Drop for Theatre {
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        let dropped = self.session().conn().batch_execute(&drop);
        dropped.expect("it is the test's own");
    }
}

/// One of each kind.
fn runtimes() -> [Runtime; 2] {
    let mut several = Builder::new_multi_thread();
    several.worker_threads(2);
    [Builder::new_current_thread(), several]
        .map(|mut kind| kind.enable_all().build().expect("threads can be made"))
}

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(30);

/// Whether it became so.
fn becomes(runtime: &Runtime, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > LONG {
            return false;
        }
        runtime.block_on(tokio::time::sleep(Duration::from_millis(1)));
    }
    true
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}
