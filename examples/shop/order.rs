//! What is bought.

use lback::sqlite::prelude::*;

pub const TABLE: &str = "CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    is_shipped BOOLEAN NOT NULL
)";

diesel::table! {
    orders (id) {
        id -> BigInt,
        customer -> Text,
        product_id -> BigInt,
        quantity -> Integer,
        is_shipped -> Bool,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = orders)]
pub struct Order {
    pub id: i64,
    pub customer: String,
    pub product_id: i64,
    pub quantity: i32,
    pub is_shipped: bool,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = orders)]
pub struct NewOrder {
    pub customer: String,
    pub product_id: i64,
    pub quantity: i32,
    pub is_shipped: bool,
}

impl NewOrder {
    pub fn new(customer: &str, product_id: i64, quantity: i32) -> Self {
        Self {
            customer: customer.to_owned(),
            product_id,
            quantity,
            is_shipped: false,
        }
    }
}

#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = orders)]
pub struct OrderChanges {
    pub is_shipped: Option<bool>,
}

impl Validate for NewOrder {}
impl Validate for OrderChanges {}

#[repository(
    entity = Order,
    table = orders,
    insert = NewOrder,
    update = OrderChanges,
    connection = SqliteConnection,
)]
#[derive(Clone, Copy, Debug)]
pub struct OrderRepository;

/// An order has left the house.
#[signal]
pub struct OrderShipped<'a> {
    pub order: &'a Order,
    pub session: &'a mut Session,
}

/// Marks the order and tells whoever listens: both, or neither.
pub fn ship(session: &mut Session, order: i64) -> lback::Result<Order> {
    session.transaction(|session| {
        let shipped = OrderChanges {
            is_shipped: Some(true),
        };
        let order = OrderRepository.update(session, order, shipped)?;
        OrderShipped {
            order: &order,
            session,
        }
        .send()?;
        Ok(order)
    })
}
