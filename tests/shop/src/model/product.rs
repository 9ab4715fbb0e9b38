//! Products, and the movements of their stock.

use diesel::prelude::*;
use lback::{Invalid, Validate, Veto, receiver};

use super::super::schema::{moves, products};
use crate::{Kind, MoveId};

/// A product, with a generated key, and nullable and defaulted columns.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = products)]
pub struct Product {
    /// The key.
    pub id: i32,
    /// Unique.
    pub sku: String,
    /// An enum.
    pub kind: Kind,
    /// In cents.
    pub price: i64,
    /// May be missing.
    pub blurb: Option<String>,
    /// The database knows with how many it begins.
    pub stock: i32,
}

/// A product to be stored. `None` is the column's default.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = products)]
pub struct NewProduct {
    /// See [`Product::sku`].
    pub sku: String,
    /// See [`Product::kind`].
    pub kind: Kind,
    /// See [`Product::price`].
    pub price: i64,
    /// See [`Product::blurb`].
    pub blurb: Option<String>,
    /// See [`Product::stock`].
    pub stock: Option<i32>,
}

impl NewProduct {
    /// A book for 10.00.
    pub fn book(sku: impl Into<String>) -> Self {
        Self {
            sku: sku.into(),
            kind: Kind::Book,
            price: 1000,
            blurb: None,
            stock: None,
        }
    }
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = products)]
pub struct ProductChanges {
    /// See [`Product::kind`].
    pub kind: Option<Kind>,
    /// See [`Product::price`].
    pub price: Option<i64>,
    /// `Some(None)` empties it.
    pub blurb: Option<Option<String>>,
    /// See [`Product::stock`].
    pub stock: Option<i32>,
}

impl Validate for NewProduct {
    fn validate(&mut self) -> Result<(), Invalid> {
        self.sku = self.sku.trim().to_owned();
        if self.sku.is_empty() {
            return Err(Invalid::new("sku", "a product has a number"));
        }
        Ok(())
    }
}

impl Validate for ProductChanges {
    fn validate(&mut self) -> Result<(), Invalid> {
        match self.stock {
            Some(stock) if stock < 0 => Err(Invalid::new("stock", "there is not enough of it")),
            _ => Ok(()),
        }
    }
}

repository! {
    [entity = Product, table = products, insert = NewProduct, update = ProductChanges]
    /// The products.
    #[derive(Clone, Debug, Default)]
    pub struct Products {
        /// Nothing may cost less.
        pub lowest: i64,
    }
}

/// A repository's own configuration is what its receivers see.
#[receiver(product_pre_create)]
fn nothing_is_too_cheap(sender: &Products, data: &mut NewProduct) -> Result<(), Veto> {
    if data.price < sender.lowest {
        return Err(Veto::new("too cheap").field("price"));
    }
    Ok(())
}

/// A movement of stock: no column may be left out, so many are one statement everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = moves)]
pub struct Move {
    /// The key.
    pub id: MoveId,
    /// Of what.
    pub product: i32,
    /// How much.
    pub amount: i32,
    /// Where.
    pub shelf: String,
    /// Why.
    pub reason: String,
}

/// A movement to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = moves)]
pub struct NewMove {
    /// See [`Move::product`].
    pub product: i32,
    /// See [`Move::amount`].
    pub amount: i32,
    /// See [`Move::shelf`].
    pub shelf: String,
    /// See [`Move::reason`].
    pub reason: String,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = moves)]
pub struct MoveChanges {
    /// See [`Move::shelf`].
    pub shelf: Option<String>,
    /// See [`Move::reason`].
    pub reason: Option<String>,
}

impl Validate for NewMove {}
impl Validate for MoveChanges {}

repository! {
    [entity = Move, table = moves, insert = NewMove, update = MoveChanges, name = "movement"]
    /// The movements.
    #[derive(Clone, Debug, Default)]
    pub struct Moves;
}

/// A movement whose key may be given, or left to the database.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = moves)]
pub struct NumberedMove {
    /// See [`Move::id`].
    pub id: Option<MoveId>,
    /// See [`Move::product`].
    pub product: i32,
    /// See [`Move::amount`].
    pub amount: i32,
    /// See [`Move::shelf`].
    pub shelf: String,
    /// See [`Move::reason`].
    pub reason: String,
}

impl Validate for NumberedMove {}

repository! {
    [entity = Move, table = moves, insert = NumberedMove, update = MoveChanges,
     name = "numbered_movement", shared_entity]
    /// The movements again, by another insert type, which `given_key` does not know.
    #[derive(Clone, Debug, Default)]
    pub struct NumberedMoves;
}
