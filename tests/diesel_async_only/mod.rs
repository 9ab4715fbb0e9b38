//! What only connections of diesel-async can show.

mod a_connection_comes_back_with_nothing_open;
mod a_database_over_deadpool_carries_state_and_failure_handler;
mod a_receiver_in_the_transaction_may_be_async;
mod a_transaction_whose_future_is_dropped_runs_to_its_end;
mod who_waits_for_a_connection_of_deadpool_holds_no_thread;

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use tokio::runtime::{Builder, Runtime};

use crate::database::*;

/// The application's own pool.
pub(crate) fn deadpool(database: &Database, connections: usize) -> Pool<AsyncPgConnection> {
    let manager = AsyncDieselConnectionManager::new(database.url());
    Pool::builder(manager)
        .max_size(connections)
        .build()
        .expect("no time is limited")
}

/// One of each kind.
pub(crate) fn runtimes() -> [Runtime; 2] {
    let mut several = Builder::new_multi_thread();
    several.worker_threads(2);
    [Builder::new_current_thread(), several]
        .map(|mut kind| kind.enable_all().build().expect("threads can be made"))
}

/// The process of the server behind a connection.
pub(crate) async fn process_of(conn: &mut AsyncPgConnection) -> QueryResult<i32> {
    diesel_async::RunQueryDsl::get_result(
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>(
            "pg_backend_pid()",
        )),
        conn,
    )
    .await
}

/// Whether a transaction is open on a connection, as the server says.
pub(crate) async fn is_inside(conn: &mut AsyncPgConnection) -> bool {
    // Outside of one it is over with the statement that set it.
    diesel_async::SimpleAsyncConnection::batch_execute(conn, "SET LOCAL lback.inside = 'yes'")
        .await
        .expect("it is a setting");
    let setting = diesel::dsl::sql::<diesel::sql_types::Bool>(
        "coalesce(current_setting('lback.inside', true), '') = 'yes'",
    );
    diesel_async::RunQueryDsl::get_result(diesel::select(setting), conn)
        .await
        .expect("the server answers")
}

/// Longer than anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(30);
