//! What a column is set to may be worked out of values that are bound, and two such expressions may have the same
//! text and bind values of other types. Each statement sends its own types: a server takes the bytes as what they are.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Double};

use crate::database::*;

diesel::table! {
    prices (id) {
        id -> Integer,
        price -> Double,
    }
}

diesel::define_sql_function! {
    #[sql_name = "raised"]
    fn raised_by_part(price: Double, part: Double) -> Double;
}

diesel::define_sql_function! {
    #[sql_name = "raised"]
    fn raised_by_cents(price: Double, cents: BigInt) -> Double;
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = prices)]
pub struct Price {
    pub id: i32,
    pub price: f64,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = prices)]
pub struct NewPrice {
    pub price: f64,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = prices)]
pub struct PriceChanges {
    pub price: Option<Set<f64>>,
}

impl Validate for NewPrice {}
impl Validate for PriceChanges {}

own_repository!(Prices: entity = Price, table = prices, insert = NewPrice, update = PriceChanges);

fn by_part(part: f64) -> PriceChanges {
    PriceChanges {
        price: Some(Set::expression(
            prices::price,
            raised_by_part(prices::price, part),
        )),
    }
}

fn by_cents(cents: i64) -> PriceChanges {
    PriceChanges {
        price: Some(Set::expression(
            prices::price,
            raised_by_cents(prices::price, cents),
        )),
    }
}

#[test]
fn of_one_row_and_of_many() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    database.connection().batch_execute(
        "CREATE TABLE prices (id SERIAL PRIMARY KEY, price FLOAT8 NOT NULL);
         CREATE FUNCTION raised(FLOAT8, FLOAT8) RETURNS float8 LANGUAGE sql AS 'SELECT $1 + $1 * $2';
         CREATE FUNCTION raised(FLOAT8, BIGINT) RETURNS float8 LANGUAGE sql AS 'SELECT $1 + $2 / 100.0'",
    )?;
    let mut session = database.session();
    let made = Prices.create_many(&mut session, [100.0, 100.0].map(|price| NewPrice { price }))?;
    let (one, ids) = (made[0].id, [made[0].id, made[1].id]);
    for (changes, of_one, of_many) in [
        (by_part(0.5), 150.0, 225.0),
        (by_cents(1_000), 235.0, 245.0),
        (by_part(1.0), 490.0, 980.0),
    ] {
        assert_eq!(
            Prices.update(&mut session, one, changes.clone())?.price,
            of_one
        );
        let many = Prices.update_many(&mut session, ids, changes.clone())?;
        assert_eq!(many[0].price, of_many);
        Prices.update_where(&mut session, prices::id.eq(made[1].id), changes)?;
    }
    assert_eq!(Prices.get(&mut session, made[1].id)?.price, 980.0);
    Ok(())
}
