//! The statements through Diesel, as well as it can be used, where what was written is read back.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use lback::{Timestamp, Validate};

use super::*;

diesel::define_sql_function! {
    /// The key of the row inserted last; of many, the first.
    fn last_insert_id() -> BigInt;
}

pub(super) fn find_one(conn: &mut Native, id: i64) -> User {
    users::table
        .find(id)
        .select(User::as_select())
        .get_result(conn)
        .unwrap()
}

/// A write and what reads it back are two statements: alone, they need a transaction.
fn together<T>(place: Place, conn: &mut Native, work: impl FnOnce(&mut Native) -> T) -> T {
    use diesel::connection::TransactionManager;
    type Manager = <Native as Connection>::TransactionManager;
    let status = Manager::transaction_manager_status_mut(conn);
    match status.transaction_depth() {
        Ok(None) => atomically(place, conn, work),
        _ => work(conn),
    }
}

pub(super) fn insert_one(place: Place, conn: &mut Native, mut new: NewUser) -> User {
    new.validate().unwrap();
    together(place, conn, |conn| {
        let inserted = diesel::insert_into(users::table).values(&new).execute(conn);
        assert_eq!(inserted, Ok(1));
        users::table
            .filter(users::id.eq(last_insert_id()))
            .select(User::as_select())
            .get_result(conn)
            .unwrap()
    })
}

pub(super) fn insert_many(place: Place, conn: &mut Native, new: &[NewUser]) -> Vec<User> {
    together(place, conn, |conn| {
        let inserted = diesel::insert_into(users::table).values(new).execute(conn);
        assert_eq!(inserted, Ok(new.len()));
        users::table
            .filter(users::id.ge(last_insert_id()))
            .order(users::id)
            .limit(new.len() as i64)
            .select(User::as_select())
            .load(conn)
            .unwrap()
    })
}

/// With a fragment of one's own for these two columns, since Diesel's `update` is prepared anew
/// every time.
pub(super) fn update_one(
    place: Place,
    conn: &mut Native,
    id: i64,
    mut changes: UserChanges,
) -> User {
    changes.validate().unwrap();
    let email = changes.email.unwrap();
    let updated_at: Timestamp = changes.updated_at.unwrap();
    together(place, conn, |conn| {
        let update = Update {
            set: (users::email.eq(email), users::updated_at.eq(updated_at)).as_changeset(),
            key: users::id.eq(id),
        };
        assert_eq!(update.execute(conn), Ok(1));
        find_one(conn, id)
    })
}

struct Update<S, K> {
    set: S,
    key: K,
}

/// It is only ever used for the same columns.
impl<S, K> QueryId for Update<S, K> {
    type QueryId = Update<(), ()>;
}

impl<S, K, DB: Backend> QueryFragment<DB> for Update<S, K>
where
    S: QueryFragment<DB>,
    K: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE users SET ");
        self.set.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.key.walk_ast(out)
    }
}

impl<S, K> RunQueryDsl<Native> for Update<S, K> {}
