//! What is told: receivers after the commit. They hold no connection while they wait.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use lback::BoxError;
use lback::diesel_async::{Database, prelude::*};
use lback::failure::Failure;

use crate::booking::{Booking, booking_post_create, booking_post_delete, count_seats};

/// Keeps the mails that a real theatre would send, and what could not be sent.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<String>>>,
    failures: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    async fn send(&self, to: &str, text: &str) -> io::Result<()> {
        // Stands for the network.
        tokio::task::yield_now().await;
        if to.contains(' ') {
            return Err(io::Error::other("this is no address"));
        }
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(format!("{to}: {text}"));
        Ok(())
    }

    /// Who asked for it has the answer already.
    pub fn keep(&self, failure: &Failure) {
        eprintln!("{failure}");
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(failure.to_string());
    }

    #[cfg(test)]
    pub fn mails(&self) -> Vec<String> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clone()
    }

    #[cfg(test)]
    pub fn failures(&self) -> Vec<String> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.clone()
    }
}

#[receiver(booking_post_create, after_commit)]
pub async fn confirm(booking: &Booking, #[state] mailbox: &Mailbox) -> io::Result<()> {
    mailbox.send(&booking.guest, "booked").await
}

#[receiver(booking_post_delete, after_commit)]
pub async fn regret(booking: &Booking, #[state] mailbox: &Mailbox) -> io::Result<()> {
    mailbox.send(&booking.guest, "given up").await
}

/// Takes a connection for as long as it needs one.
#[receiver(booking_post_create, after_commit)]
pub async fn tell_the_house(
    booking: &Booking,
    #[state] database: &Database,
    #[state] mailbox: &Mailbox,
) -> Result<(), BoxError> {
    let (seats, taken) = {
        let mut conn = database.pool().get().await?;
        count_seats(&mut conn, booking.show_id).await?
    };
    if taken == seats {
        mailbox.send("house", "sold out").await?;
    }
    Ok(())
}
