//! Signals of the shop's own, and who sends them.

use lback::{Repository, receiver, signal};

use super::super::Session;
use super::{Order, OrderChanges, Orders};
use crate::Status;

/// Who ships.
#[derive(Clone, Debug, Default)]
pub struct Shop {
    /// Its name.
    pub name: String,
}

/// Sent before an order is shipped: the carrier may be changed, and all of it refused.
#[signal(pre)]
pub struct OrderShipping<'a> {
    /// Who ships.
    pub sender: &'a Shop,
    /// What.
    pub order: &'a Order,
    /// By whom.
    pub carrier: &'a mut String,
    /// The session in use.
    pub session: &'a mut Session,
}

/// Sent when an order is on its way.
#[signal]
pub struct OrderShipped<'a> {
    /// Who has shipped.
    pub sender: &'a Shop,
    /// What.
    pub order: &'a Order,
    /// By whom.
    pub carrier: &'a str,
    /// In how many parcels.
    pub parcels: u32,
    /// The session in use.
    pub session: &'a mut Session,
}

impl Shop {
    /// Ships an order, and tells everybody.
    ///
    /// # Errors
    ///
    /// Those of receivers and of the database.
    pub fn ship(
        &self,
        session: &mut Session,
        order: &Order,
        carrier: &str,
    ) -> lback::Result<Order> {
        session.transaction(|session| {
            let mut carrier = carrier.to_owned();
            OrderShipping {
                sender: self,
                order,
                carrier: &mut carrier,
                session,
            }
            .send()?;
            let changes = OrderChanges {
                status: Some(Status::Shipped),
                ..OrderChanges::default()
            };
            let order = Orders.update(session, order, changes)?;
            OrderShipped {
                sender: self,
                order: &order,
                carrier: &carrier,
                parcels: 1,
                session,
            }
            .send()?;
            Ok(order)
        })
    }
}

/// Signal, receiver and sender in one crate.
#[receiver(order_shipping)]
fn tidy_the_carrier(carrier: &mut String) {
    *carrier = carrier.trim().to_lowercase();
}
