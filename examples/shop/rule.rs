//! What must hold: receivers inside the transaction.

use lback::sqlite::prelude::*;

use crate::order::{
    NewOrder, Order, order_post_create, order_post_delete, order_pre_create, order_pre_delete,
};
use crate::product::{ProductChanges, ProductRepository};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An order for more than there is does not come to be.
#[receiver(order_pre_create)]
pub fn enough_in_stock(data: &NewOrder, session: &mut Session) -> Result<(), Failure> {
    let product = ProductRepository.find(session, data.product_id)?;
    let Some(product) = product else {
        return Err(Veto::new("there is no such product")
            .field("product_id")
            .into());
    };
    if product.stock < data.quantity {
        let left = format!("only {} left of {}", product.stock, product.name);
        return Err(Veto::new(left).field("quantity").into());
    }
    Ok(())
}

/// Through the repository, so that those who listen to products hear of it.
#[receiver(order_post_create)]
pub fn take_from_stock(order: &Order, session: &mut Session) -> lback::Result<()> {
    move_stock(session, order, -order.quantity)
}

#[receiver(order_post_delete)]
pub fn put_back_into_stock(order: &Order, session: &mut Session) -> lback::Result<()> {
    move_stock(session, order, order.quantity)
}

#[receiver(order_pre_delete)]
pub fn shipped_orders_stay(order: &Order) -> Result<(), Veto> {
    if order.is_shipped {
        return Err(Veto::new("the order is on its way"));
    }
    Ok(())
}

fn move_stock(session: &mut Session, order: &Order, by: i32) -> lback::Result<()> {
    let product = ProductRepository.find(session, order.product_id)?;
    if let Some(product) = product {
        let changes = ProductChanges::stock(product.stock + by);
        ProductRepository.update(session, product.id, changes)?;
    }
    Ok(())
}
