//! Orders with lines.

use diesel::prelude::*;
use lback::{Repository, Validate, receiver};

use super::super::schema::{order_lines, orders};
use super::super::{CustomerId, Session};
use super::{ProductChanges, Products};
use crate::{OrderId, Status};

/// An order.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = orders)]
pub struct Order {
    /// The key.
    pub id: OrderId,
    /// Whose it is.
    pub customer: CustomerId,
    /// How far it is.
    pub status: Status,
    /// JSON, in the database's own type.
    pub details: serde_json::Value,
}

/// An order to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = orders)]
pub struct NewOrder {
    /// See [`Order::customer`].
    pub customer: CustomerId,
    /// See [`Order::status`].
    pub status: Status,
    /// See [`Order::details`].
    pub details: serde_json::Value,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = orders)]
pub struct OrderChanges {
    /// See [`Order::status`].
    pub status: Option<Status>,
    /// See [`Order::details`].
    pub details: Option<serde_json::Value>,
}

impl Validate for NewOrder {}
impl Validate for OrderChanges {}

repository! {
    [entity = Order, table = orders, insert = NewOrder, update = OrderChanges]
    /// The orders.
    #[derive(Clone, Debug, Default)]
    pub struct Orders;
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = order_lines, belongs_to(Order))]
pub struct OrderLine {
    /// The key.
    pub id: i32,
    /// Of which order.
    pub order_id: OrderId,
    /// What.
    pub product: i32,
    /// How many.
    pub quantity: i32,
}

/// A line to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = order_lines)]
pub struct NewOrderLine {
    /// See [`OrderLine::order_id`].
    pub order_id: OrderId,
    /// See [`OrderLine::product`].
    pub product: i32,
    /// See [`OrderLine::quantity`].
    pub quantity: i32,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = order_lines)]
pub struct OrderLineChanges {
    /// See [`OrderLine::quantity`].
    pub quantity: Option<i32>,
}

impl Validate for NewOrderLine {}
impl Validate for OrderLineChanges {}

repository! {
    [entity = OrderLine, table = order_lines, insert = NewOrderLine, update = OrderLineChanges]
    /// The lines.
    #[derive(Clone, Debug, Default)]
    pub struct OrderLines;
}

/// What is ordered leaves the stock, by another repository, in the same transaction.
#[receiver(order_line_post_create)]
fn take_from_stock(order_line: &OrderLine, session: &mut Session) -> lback::Result<()> {
    let products = Products::default();
    let Some(product) = products.find(session, order_line.product)? else {
        return Ok(());
    };
    let left = ProductChanges {
        stock: Some(product.stock - order_line.quantity),
        ..ProductChanges::default()
    };
    products.update(session, &product, left).map(drop)
}
