//! A small shop: an application with tables, signals and rules of its own, and its test suite.
//!
//! | file | what |
//! |---|---|
//! | `product.rs`, `order.rs` | tables, rows, repositories, and the signal `order_shipped` |
//! | `rule.rs` | receivers: what must hold, inside the transaction |
//! | `message.rs` | receivers: what is told, after it |
//! | `tests.rs` | ten tests, in parallel |
//!
//! `cargo run -p lback-examples --example shop`, and `cargo test -p lback-examples --example shop`

mod message;
mod order;
mod product;
mod rule;
#[cfg(test)]
mod tests;

use diesel::connection::SimpleConnection;
use lback::sqlite::prelude::*;

use crate::message::Mailbox;
use crate::order::{NewOrder, OrderRepository, ship};
use crate::product::{NewProduct, ProductRepository};

/// The shop's tables, in a database of one's own.
fn create_tables(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute(product::TABLE)?;
    conn.batch_execute(order::TABLE)
}

fn main() -> lback::Result<()> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Mailbox::default());
    create_tables(session.conn())?;
    print!("{}", lback::receivers()?);

    let tea = ProductRepository.create(&mut session, NewProduct::new("tea", 450, 6))?;
    let order = OrderRepository.create(&mut session, NewOrder::new("ada", tea.id, 2))?;
    ship(&mut session, order.id)?;
    if let Err(refused) = OrderRepository.create(&mut session, NewOrder::new("eve", tea.id, 100)) {
        println!("{refused}");
    }
    let mails = session.state::<Mailbox>().map(Mailbox::take);
    println!("{mails:#?}");
    session.take_failures().assert_none();
    Ok(())
}
