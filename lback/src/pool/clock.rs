//! Limits of time for those who wait for a connection.
//!
//! A clock of our own, since tokio's is there only where the runtime was built with it: on another one,
//! the first task that had to wait would panic, and none before it. And what is waited for here is real,
//! so a test that stops tokio's clock must not end the waiting.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::care::unless_it_panics;

/// What `work` comes to, or `None` if it has not come to it by then.
pub(super) async fn before<F: Future>(deadline: Instant, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = Alarm {
        deadline,
        key: None,
    };
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.poll(context).map(|()| None),
    })
    .await
}

/// One task that waits. The number tells those apart who wait for the same moment.
type Key = (Instant, u64);

struct Alarm {
    deadline: Instant,
    key: Option<Key>,
}

impl Alarm {
    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let mut book = book();
        let key = *self
            .key
            .get_or_insert_with(|| (self.deadline, book.number()));
        let before = book.waiting.insert(key, waker);
        book.see_that_somebody_looks(self.deadline);
        // A waker's drop is the runtime's code, which may come here again.
        drop(book);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = book().waiting.remove(&key);
            drop(waker);
        }
    }
}

/// Who waits, and when the thread looks at it next.
struct Book {
    waiting: BTreeMap<Key, Waker>,
    last_number: u64,
    /// `None` while there is no thread.
    next_look: Option<Instant>,
}

static BOOK: Mutex<Book> = Mutex::new(Book {
    waiting: BTreeMap::new(),
    last_number: 0,
    next_look: None,
});

static LOOK_SOONER: Condvar = Condvar::new();

fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Wakes the thread only for a moment that comes sooner than its next look. Limits are mostly alike,
    /// so that happens seldom.
    fn see_that_somebody_looks(&mut self, deadline: Instant) {
        match self.next_look {
            Some(next) if next <= deadline => {}
            Some(_) => {
                self.next_look = Some(deadline);
                LOOK_SOONER.notify_one();
            }
            None => {
                let thread = std::thread::Builder::new().name("lback-clock".into());
                // Where no thread can be made, whoever waits next tries it again.
                if thread.spawn(keep_watch).is_ok() {
                    self.next_look = Some(deadline);
                }
            }
        }
    }

    /// Those whose time is over.
    fn take_late(&mut self, now: Instant) -> BTreeMap<Key, Waker> {
        let in_time = self.waiting.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.waiting, in_time)
    }
}

/// Ends once nobody waits: a library leaves no thread behind for ever.
fn keep_watch() {
    let mut book = book();
    loop {
        let late = book.take_late(Instant::now());
        if !late.is_empty() {
            drop(book);
            for waker in late.into_values() {
                // One runtime's panic must not keep the others waiting.
                unless_it_panics(|| waker.wake());
            }
            book = self::book();
            continue;
        }
        let Some((&(next, _), _)) = book.waiting.first_key_value() else {
            book.next_look = None;
            return;
        };
        book.next_look = Some(next);
        let time = next.saturating_duration_since(Instant::now());
        let waited = LOOK_SOONER.wait_timeout(book, time);
        book = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
