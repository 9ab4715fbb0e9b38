//! What only a database server can show, PostgreSQL and MySQL alike.

mod a_column_goes_back_to_its_default;
mod a_connection_lost_before_commit_stores_nothing;
mod a_deadlock_that_is_passed_over_is_no_success;
mod a_lost_answer_delivers_an_exactly_once_row_once;
mod a_lost_answer_to_commit_is_unknown;
mod a_panic_beside_a_lost_commit_ends_the_transaction;
mod a_table_with_keys_of_32_bits_works;
mod an_update_of_a_row_that_has_gone_meanwhile_finds_nothing;
mod every_answer_is_true_wherever_the_connection_is_cut;
mod nothing_commits_by_itself_after_the_transaction_has_ended;
mod rows_of_one_key_keep_their_order_at_every_isolation;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection;

use crate::database::*;
use lback_tests::Trace;
use lback_tests::server::wait_until;

/// Another connection in a deadlock with the test's, which will be the one to lose.
pub(crate) struct Rival(JoinHandle<()>);

impl Rival {
    /// Locks `held`, and waits for `wanted`, which the test has locked.
    pub(crate) fn in_the_way(database: &Database, held: UserId, wanted: UserId) -> Self {
        let mut conn = database.connection();
        let number = number_of(&mut conn);
        let (locked, has_locked) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            conn.batch_execute("BEGIN").expect("nothing is in the way");
            outlast_deadlocks(&mut conn);
            deactivate(&mut conn, held).expect("nothing is in the way");
            locked.send(()).expect("the test waits");
            // It gets what it wants once the other has lost.
            deactivate(&mut conn, wanted).expect("the other loses");
            conn.batch_execute("ROLLBACK").expect("it is open");
        });
        has_locked.recv().expect("it locks");
        let mut watcher = database.connection();
        wait_until("the rival waits", || waits_for_a_lock(&mut watcher, number));
        Self(thread)
    }

    /// Waits until it is out of the way.
    pub(crate) fn leave(self) {
        self.0.join().expect("the rival wins");
    }
}

/// A pool on the test's database, whose sessions have `trace`.
pub(crate) fn pool(url: &str, trace: &Trace) -> lback::Database<Native> {
    lback::Database::builder()
        .max_size(2)
        .wait(Duration::from_secs(10))
        .with_state(trace.clone())
        .connect(url)
        .expect("the server answers")
}

/// Ends the connection of a session, from another.
pub(crate) fn cut_off(database: &Database, session: &mut Session) {
    let number = number_of(session.conn());
    kill(&mut database.connection(), number);
}

/// Changes a row, by a statement of the application's own.
pub(crate) fn deactivate(conn: &mut Native, user: UserId) -> QueryResult<usize> {
    diesel::update(users::table.find(user))
        .set(users::is_active.eq(false))
        .execute(conn)
}

/// The same through a repository.
pub(crate) fn inactive() -> UserChanges {
    UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    }
}
