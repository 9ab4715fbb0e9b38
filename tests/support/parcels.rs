//! A table whose rows the program cannot always read: a state that it does not know.

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::prelude::*;
use diesel::sql_types::Text;
use lback::Validate;

diesel::table! {
    /// Parcels.
    parcels (id) {
        /// Made by the database.
        id -> BigInt,
        /// What is in it.
        content -> Text,
        /// `sent`, or something that the program does not know.
        state -> Text,
    }
}

/// The one state that the program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Sent;

impl<DB: Backend> FromSql<Text, DB> for Sent
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        match String::from_sql(value)?.as_str() {
            "sent" => Ok(Self),
            other => Err(format!("no such state: {other}").into()),
        }
    }
}

/// A parcel. Its clone panics if the content says so, as that of any model may.
#[derive(Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = parcels)]
pub struct Parcel {
    /// The key.
    pub id: i64,
    /// What is in it.
    pub content: String,
    /// The state.
    pub state: Sent,
}

impl Clone for Parcel {
    fn clone(&self) -> Self {
        assert!(
            self.content != "fragile",
            "a parcel that breaks when copied"
        );
        Self {
            id: self.id,
            content: self.content.clone(),
            state: self.state,
        }
    }
}

/// A parcel to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = parcels)]
pub struct NewParcel {
    /// What is in it.
    pub content: String,
    /// The state, known or not.
    pub state: &'static str,
}

/// What may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = parcels)]
pub struct ParcelChanges {
    /// What is in it.
    pub content: Option<String>,
    /// The state, known or not.
    pub state: Option<String>,
}

impl Validate for NewParcel {}
impl Validate for ParcelChanges {}

/// One that can be read.
pub fn parcel(content: &str) -> NewParcel {
    NewParcel {
        content: content.to_owned(),
        state: "sent",
    }
}

/// One whose state the program does not know.
pub fn unreadable(content: &str) -> NewParcel {
    NewParcel {
        content: content.to_owned(),
        state: "lost",
    }
}

/// Creates the table; `key` is how the database makes keys.
pub fn create_table(connection: &mut impl SimpleConnection, key: &str, options: &str) {
    connection
        .batch_execute(&format!(
            "CREATE TABLE parcels (id {key}, content VARCHAR(100) NOT NULL, state VARCHAR(20) NOT NULL){options}"
        ))
        .expect("the table is new");
}

/// Makes [`Parcel`] an entity; tests use repositories of their own.
#[lback::repository(
    entity = Parcel,
    table = parcels,
    insert = NewParcel,
    update = ParcelChanges,
    connection = SqliteConnection
)]
#[derive(Clone, Debug, Default)]
pub struct AnyParcels;

/// Declares `Parcels`, a repository with signals of the test's own module.
#[macro_export]
#[rustfmt::skip] // it moves the attribute to the right, further at every run
macro_rules! own_parcels {
    ($connection:ident) => {
        #[lback::repository(
            entity = lback_tests::parcels::Parcel,
            table = lback_tests::parcels::parcels,
            insert = lback_tests::parcels::NewParcel,
            update = lback_tests::parcels::ParcelChanges,
            connection = $connection,
            shared_entity
        )]
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Parcels;
    };
}
