// Included by each database: opens the shop, and listens to it.

use diesel::connection::SimpleConnection;
use lback::receiver;
use lback_tests_shop::Status;

use crate::Trace;

/// A shop in a database of the test's own, gone with it.
pub struct Opened {
    database: Database,
}

impl Opened {
    /// A shop without goods; `None` if there is no server.
    pub fn fresh() -> Option<Self> {
        let database = Database::empty()?;
        database
            .connection()
            .batch_execute(MIGRATION)
            .expect("an empty database can be migrated");
        Some(Self { database })
    }

    /// One more session on it.
    pub fn session(&self) -> Session {
        self.database.session()
    }
}

// Declared in one crate, heard in this one, sent by either or by a third.
#[receiver(order_shipped)]
fn write_down(order: &Order, carrier: &str, parcels: u32, #[state] trace: &Trace) {
    let id = order.id.0;
    trace.note(format!("order {id} in {parcels} parcels by {carrier}"));
}

#[receiver(order_shipping, order_shipped, order = 10)]
fn check_the_status(order: &Order, conn: &mut Native, #[state] trace: &Trace) {
    let _ = conn;
    trace.note(match order.status {
        Status::Open => "still open",
        Status::Shipped => "shipped",
    });
}

// An argument of a type of the other crate's.
#[receiver(order_pre_create)]
fn new_orders_are_open(data: &mut NewOrder) {
    data.status = Status::Open;
}
