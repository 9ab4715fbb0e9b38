//! Requests that are broken off: the handler's future is polled by hand and dropped after its first poll, after
//! its second, and so on until it ends by itself; and after so many microseconds, so that the transaction is
//! anywhere. Whenever that is, no connection that the pool hands out has a transaction open, and what is stored
//! has its mail, and what is not stored has none.
//!
//! A handler that finds a connection in the pool ended at its third or fourth poll, and one that had to connect
//! first at its seventh to tenth: the test prints how many there were.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use diesel::dsl::sql;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use lback::diesel_async::{Database, prelude::*};
use serde_json::json;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{LONG, Theatre, becomes, runtimes, sorted};
use crate::booking::{BookingRepository, NewBooking};
use crate::web;

/// Polls it so often and drops it; what it came to by then.
async fn polled<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            // Nobody may ever wake it again.
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What is asked for, by a guest whom nobody else is.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Book,
    /// More seats than there are, which is found out behind the INSERT.
    BookTooMuch,
    GiveUp,
    List,
}

impl Ask {
    const ALL: [Self; 4] = [Self::Book, Self::BookTooMuch, Self::GiveUp, Self::List];

    async fn request(self, database: &Database, guest: &str) -> Request<Body> {
        let book = |seats: i32| json!({ "guest": guest, "seats": seats }).to_string();
        let (method, path, body) = match self {
            Self::Book => (Method::POST, "/shows/1/bookings".into(), book(1)),
            Self::BookTooMuch => (Method::POST, "/shows/1/bookings".into(), book(1_000)),
            Self::GiveUp => {
                let new = NewBooking {
                    show_id: 1,
                    guest: guest.into(),
                    seats: 1,
                };
                let booked = database.run(|session| BookingRepository.create(session, new));
                let number = booked.await.expect("there is room").id;
                (Method::DELETE, format!("/bookings/{number}"), String::new())
            }
            Self::List => (Method::GET, "/shows/1/bookings".into(), String::new()),
        };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        request.body(Body::from(body)).expect("a request")
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Book => StatusCode::CREATED,
            Self::BookTooMuch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::GiveUp => StatusCode::NO_CONTENT,
            Self::List => StatusCode::OK,
        }
    }
}

/// When all connections have come back to the pool, all work has ended; and then each is looked at.
async fn assert_that_nothing_is_open(database: &Database) {
    let pool = database.pool();
    let begun = Instant::now();
    while pool.status().available < pool.status().size {
        assert!(begun.elapsed() < LONG, "they do not come back");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut all = Vec::new();
    for _ in 0..pool.status().size.max(1) {
        let mut conn = pool.get().await.expect("the server answers");
        // Outside of a transaction such a setting is over with the statement.
        let set = conn.batch_execute("SET LOCAL lback.inside = 'yes'").await;
        set.expect("it is a setting");
        let is_inside = sql::<diesel::sql_types::Bool>(
            "coalesce(current_setting('lback.inside', true), '') = 'yes'",
        );
        let is_inside: bool = diesel::select(is_inside)
            .get_result(&mut conn)
            .await
            .expect("the server answers");
        assert!(!is_inside, "a transaction is open");
        all.push(conn);
    }
}

/// In the journal is what is stored, line for line, and each line has a mail.
fn assert_that_mails_tell_the_truth(theatre: &Theatre, runtime: &Runtime) {
    let mut noted = theatre.journal();
    noted.retain(|line| line.contains(": "));
    let mails = || theatre.mailbox.mails();
    let are_there = becomes(runtime, || mails().len() >= noted.len());
    assert!(are_there, "{noted:?} and {:?}", mails());
    assert_eq!(sorted(mails()), sorted(noted.clone()));
    let given_up = |guest: &str| noted.contains(&format!("{guest}: given up"));
    let booked = noted
        .iter()
        .filter_map(|line| line.strip_suffix(": booked"));
    let there: Vec<_> = booked.filter(|guest| !given_up(guest)).collect();
    let stored: Vec<_> = theatre.bookings().into_iter().map(|it| it.guest).collect();
    assert_eq!(stored, there);
}

/// How often the handler is polled until it ends by itself.
fn at_every_poll(theatre: &Theatre, runtime: &Runtime, ask: Ask, is_fresh: bool) -> usize {
    let mut database = theatre.database();
    runtime.block_on(assert_that_nothing_is_open(&database));
    for polls in 1..200 {
        let guest = format!("guest of {ask:?} {is_fresh} {polls}").replace(' ', "-");
        let request = runtime.block_on(ask.request(&database, &guest));
        if is_fresh {
            // It connects first.
            database = theatre.database();
        }
        let router: Router = web::router(database.clone());
        let done = runtime.block_on(polled(polls, router.oneshot(request)));
        runtime.block_on(assert_that_nothing_is_open(&database));
        assert_that_mails_tell_the_truth(theatre, runtime);
        if let Some(answer) = done {
            let answer = answer.unwrap_or_else(|never| match never {});
            assert_eq!(answer.status(), ask.status());
            return polls;
        }
    }
    panic!("it is never done");
}

#[test]
fn at_every_poll_on_every_runtime() {
    for runtime in runtimes() {
        let Some(theatre) = Theatre::open(&runtime) else {
            return;
        };
        for ask in Ask::ALL {
            for is_fresh in [false, true] {
                let polls = at_every_poll(&theatre, &runtime, ask, is_fresh);
                println!("{ask:?}, connects: {is_fresh}: {polls} polls");
                assert!(polls > 1, "it never waits");
            }
        }
    }
}

#[test]
fn and_at_moments_in_between() {
    for runtime in runtimes() {
        let Some(theatre) = Theatre::open(&runtime) else {
            return;
        };
        let database = theatre.database();
        runtime.block_on(assert_that_nothing_is_open(&database));
        for ask in [Ask::Book, Ask::BookTooMuch, Ask::GiveUp] {
            for time in (0..40).map(|step| step * Duration::from_micros(200)) {
                let guest = format!("guest-of-{ask:?}-{}", time.as_micros());
                let request = runtime.block_on(ask.request(&database, &guest));
                let router: Router = web::router(database.clone());
                let begun = Instant::now();
                runtime.block_on(async {
                    let mut answer = pin!(router.oneshot(request));
                    // Its own clock: tokio's knows only milliseconds.
                    poll_fn(|context| {
                        let is_over = begun.elapsed() >= time;
                        context.waker().wake_by_ref();
                        match answer.as_mut().poll(context) {
                            Poll::Pending if !is_over => Poll::Pending,
                            _ => Poll::Ready(()),
                        }
                    })
                    .await;
                });
                runtime.block_on(assert_that_nothing_is_open(&database));
                assert_that_mails_tell_the_truth(&theatre, &runtime);
            }
        }
    }
}
