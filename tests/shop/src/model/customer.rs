//! Countries and customers: keys that the caller gives.

use diesel::prelude::*;
use lback::{Secret, Validate};

use super::super::CustomerId;
use super::super::schema::{countries, customers};

/// A country, by its code: a text key.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = countries, primary_key(code))]
pub struct Country {
    /// The key.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = countries)]
pub struct CountryChanges {
    /// See [`Country::name`].
    pub name: Option<String>,
}

impl Validate for Country {}
impl Validate for CountryChanges {}

repository! {
    [entity = Country, table = countries, insert = Country, update = CountryChanges, given_key = code]
    /// The countries.
    #[derive(Clone, Debug, Default)]
    pub struct Countries;
}

/// A customer, whom the signals call `account`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = customers)]
pub struct Customer {
    /// The key.
    pub id: CustomerId,
    /// Their name.
    pub name: String,
    /// Where they live.
    pub country: String,
    /// Their card, which nobody else needs to see.
    pub card: Option<Secret<String>>,
}

/// A customer to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = customers)]
pub struct NewCustomer {
    /// The key.
    pub id: CustomerId,
    /// See [`Customer::name`].
    pub name: String,
    /// See [`Customer::country`].
    pub country: String,
    /// See [`Customer::card`].
    pub card: Option<Secret<String>>,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = customers)]
pub struct CustomerChanges {
    /// See [`Customer::name`].
    pub name: Option<String>,
    /// `Some(None)` forgets it.
    pub card: Option<Option<Secret<String>>>,
}

impl Validate for NewCustomer {}
impl Validate for CustomerChanges {}

repository! {
    [entity = Customer, table = customers, insert = NewCustomer, update = CustomerChanges,
     given_key = id, name = "account"]
    /// The customers.
    #[derive(Clone, Debug, Default)]
    pub struct Customers;
}
