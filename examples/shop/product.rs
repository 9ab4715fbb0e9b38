//! What is sold.

use lback::Invalid;
use lback::sqlite::prelude::*;

pub const TABLE: &str = "CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cents INTEGER NOT NULL,
    stock INTEGER NOT NULL
)";

diesel::table! {
    products (id) {
        id -> BigInt,
        name -> Text,
        cents -> Integer,
        stock -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = products)]
pub struct Product {
    pub id: i64,
    pub name: String,
    pub cents: i32,
    pub stock: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = products)]
pub struct NewProduct {
    pub name: String,
    pub cents: i32,
    pub stock: i32,
}

impl NewProduct {
    pub fn new(name: &str, cents: i32, stock: i32) -> Self {
        Self {
            name: name.to_owned(),
            cents,
            stock,
        }
    }
}

#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = products)]
pub struct ProductChanges {
    pub name: Option<String>,
    pub cents: Option<i32>,
    pub stock: Option<i32>,
}

impl ProductChanges {
    pub fn stock(stock: i32) -> Self {
        Self {
            stock: Some(stock),
            ..Self::default()
        }
    }
}

impl Validate for NewProduct {
    fn validate(&mut self) -> Result<(), Invalid> {
        price(self.cents)
    }
}

impl Validate for ProductChanges {
    fn validate(&mut self) -> Result<(), Invalid> {
        self.cents.map_or(Ok(()), price)
    }
}

fn price(cents: i32) -> Result<(), Invalid> {
    if cents > 0 {
        return Ok(());
    }
    Err(Invalid::new("cents", "nothing is given away"))
}

#[repository(
    entity = Product,
    table = products,
    insert = NewProduct,
    update = ProductChanges,
    connection = SqliteConnection,
)]
#[derive(Clone, Copy, Debug)]
pub struct ProductRepository;
