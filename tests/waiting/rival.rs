//! The ways to create a row through a pool, each with the same statements.

use diesel::prelude::*;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use lback::Repository as _;

diesel::table! {
    letters (id) {
        id -> BigInt,
        address -> Text,
        body -> Text,
    }
}

#[derive(Clone, Debug, Identifiable, Queryable, Selectable)]
#[diesel(table_name = letters)]
struct Letter {
    id: i64,
    address: String,
    body: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = letters)]
struct NewLetter {
    address: String,
    body: String,
}

#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = letters)]
struct LetterChanges {
    address: Option<String>,
    body: Option<String>,
}

impl lback::Validate for NewLetter {}
impl lback::Validate for LetterChanges {}

#[lback::repository(
    entity = Letter,
    table = letters,
    insert = NewLetter,
    update = LetterChanges,
    connection = PgConnection
)]
#[derive(Clone, Debug, Default)]
struct Letters;

/// The same over diesel-async.
mod bridged {
    use lback::diesel_async::BlockingPgConnection;

    use super::{Letter, LetterChanges, NewLetter, letters};

    #[lback::repository(
        entity = Letter,
        table = letters,
        insert = NewLetter,
        update = LetterChanges,
        connection = BlockingPgConnection,
        shared_entity
    )]
    #[derive(Clone, Debug, Default)]
    pub(super) struct Letters;
}

/// Its key; what else was read is looked at, too.
fn key_of(letter: &Letter) -> i64 {
    assert!(!letter.address.is_empty() && !letter.body.is_empty());
    letter.id
}

fn letter() -> NewLetter {
    NewLetter {
        address: "ada@example.com".into(),
        body: "Welcome!".into(),
    }
}

/// A pool, and how one row is created through it.
#[derive(Clone)]
pub(crate) enum Rival {
    Lback(lback::postgres::Database),
    Bridge(lback::diesel_async::Database),
    Diesel(diesel::r2d2::Pool<diesel::r2d2::ConnectionManager<PgConnection>>),
    DieselAsync(deadpool::Pool<AsyncPgConnection>),
}

pub(crate) const LBACK: &str = "lback, `Database::run`";
pub(crate) const BRIDGE: &str = "lback over diesel-async, deadpool";
pub(crate) const DIESEL: &str = "Diesel, r2d2, `spawn_blocking`";
pub(crate) const DIESEL_ASYNC: &str = "diesel-async, deadpool";

impl Rival {
    pub(crate) fn of(name: &str, url: &str, connections: u32) -> Self {
        match name {
            LBACK => {
                let database = lback::postgres::Database::builder().max_size(connections);
                Self::Lback(database.connect(url).expect("the server answers"))
            }
            BRIDGE => {
                let database = lback::diesel_async::Database::over(deadpool(url, connections));
                Self::Bridge(database.expect("the receivers are in order"))
            }
            DIESEL_ASYNC => Self::DieselAsync(deadpool(url, connections)),
            _ => {
                let manager = diesel::r2d2::ConnectionManager::new(url);
                let pool = diesel::r2d2::Pool::builder().max_size(connections);
                Self::Diesel(pool.build(manager).expect("the server answers"))
            }
        }
    }

    pub(crate) async fn create(&self) -> i64 {
        match self {
            Self::Lback(database) => {
                let created = database.run(|session| Letters.create(session, letter()));
                key_of(&created.await.expect("it is stored"))
            }
            Self::Bridge(database) => {
                let created = database.run(|session| bridged::Letters.create(session, letter()));
                key_of(&created.await.expect("it is stored"))
            }
            Self::Diesel(pool) => {
                let pool = pool.clone();
                let created = tokio::task::spawn_blocking(move || {
                    let mut conn = pool.get().expect("one becomes free");
                    conn.transaction(|conn| {
                        diesel::RunQueryDsl::get_result::<Letter>(
                            diesel::insert_into(letters::table)
                                .values(letter())
                                .returning(Letter::as_returning()),
                            conn,
                        )
                    })
                });
                key_of(&created.await.expect("no panic").expect("it is stored"))
            }
            Self::DieselAsync(pool) => {
                let mut conn = pool.get().await.expect("one becomes free");
                let created = conn.transaction(async |conn| {
                    let insert = diesel::insert_into(letters::table)
                        .values(letter())
                        .returning(Letter::as_returning());
                    diesel_async::RunQueryDsl::get_result::<Letter>(insert, conn).await
                });
                key_of(&created.await.expect("it is stored"))
            }
        }
    }
}

fn deadpool(url: &str, connections: u32) -> deadpool::Pool<AsyncPgConnection> {
    let manager = AsyncDieselConnectionManager::new(url);
    let pool = deadpool::Pool::builder(manager).max_size(connections as usize);
    pool.build().expect("no time is limited")
}
