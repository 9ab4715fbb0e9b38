//! A web application on axum, over the pool and the connections of diesel-async: seats of shows are booked.
//!
//! | file | what |
//! |---|---|
//! | `booking.rs` | tables, rows, the repository, and queries of the application's own, which are `async` |
//! | `rule.rs` | receivers in the transaction: seats are counted, and a journal is written |
//! | `message.rs` | receivers after the commit: mails are sent |
//! | `web.rs` | the handlers, and errors as JSON |
//! | `tests/` | over HTTP, and with requests that are broken off at every moment |
//!
//! With a PostgreSQL of one's own, in which it makes three tables:
//!
//! `DATABASE_URL=postgres://.. cargo run -p lback-examples --features diesel-async --example booking`
//!
//! `LBACK_TEST_POSTGRES_URL=postgres://.. cargo test -p lback-examples --features diesel-async --example booking`

mod booking;
mod message;
mod rule;
#[cfg(test)]
mod tests;
mod web;

use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use lback::BoxError;
use lback::diesel_async::Database;

use crate::message::Mailbox;

/// The application's own pool, and what all sessions on it share.
fn database(url: &str, mailbox: &Mailbox) -> Result<Database, BoxError> {
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    let pool = Pool::builder(manager).max_size(4).build()?;
    let failures = mailbox.clone();
    let database = Database::builder()
        .with_state(mailbox.clone())
        .with_failure_handler(move |failure| failures.keep(failure))
        .over(pool)?;
    Ok(database)
}

async fn create_tables(database: &Database) -> Result<(), BoxError> {
    let mut conn = database.pool().get().await?;
    conn.batch_execute(booking::TABLES).await?;
    Ok(())
}

async fn serve(url: &str) -> Result<(), BoxError> {
    let database = database(url, &Mailbox::default())?;
    create_tables(&database).await?;
    print!("{}", lback::receivers()?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/shows/1/bookings", listener.local_addr()?);
    axum::serve(listener, web::router(database)).await?;
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        println!("left out: DATABASE_URL names no PostgreSQL");
        return Ok(());
    };
    tokio::runtime::Runtime::new()?.block_on(serve(&url))
}
