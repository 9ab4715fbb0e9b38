//! What is told: receivers after the commit, and after a rollback.

use std::sync::{Mutex, PoisonError};

use lback::sqlite::prelude::*;

use crate::order::{NewOrder, Order, order_post_create, order_pre_create, order_shipped};
use crate::product::{Product, product_post_update};

/// Keeps the mails that a real shop would send.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Vec<String>>);

impl Mailbox {
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn send(&self, to: &str, text: &str) -> std::io::Result<()> {
        if to.contains(' ') {
            return Err(std::io::Error::other("this is no address"));
        }
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(format!("{to}: {text}"));
        Ok(())
    }
}

#[receiver(order_post_create, after_commit)]
pub fn confirm(order: &Order, #[state] mailbox: &Mailbox) -> std::io::Result<()> {
    mailbox.send(
        &order.customer,
        &format!("thank you for order {}", order.id),
    )
}

#[receiver(order_shipped, after_commit)]
pub fn on_its_way(order: &Order, #[state] mailbox: &Mailbox) -> std::io::Result<()> {
    mailbox.send(
        &order.customer,
        &format!("order {} is on its way", order.id),
    )
}

/// Only when it falls below, not each time it is low.
#[receiver(
    product_post_update,
    after_commit,
    when = |product: &Product, previous: &Product| product.stock < 5 && previous.stock >= 5,
)]
pub fn running_low(product: &Product, #[state] mailbox: &Mailbox) -> std::io::Result<()> {
    mailbox.send(
        "buyer",
        &format!("only {} left of {}", product.stock, product.name),
    )
}

/// What customers wanted and did not get.
#[receiver(order_pre_create, after_rollback)]
pub fn missed_sale(data: &NewOrder, #[state] mailbox: &Mailbox) -> std::io::Result<()> {
    mailbox.send(
        "buyer",
        &format!("{} could not buy {}", data.customer, data.quantity),
    )
}
