//! The statements through Diesel, as well as it can be used, where a write gives back its rows.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use lback::{Timestamp, Validate};

use super::*;

pub(super) fn find_one(conn: &mut Native, id: i64) -> User {
    users::table
        .find(id)
        .select(User::as_select())
        .get_result(conn)
        .unwrap()
}

pub(super) fn insert_one(_: Place, conn: &mut Native, mut new: NewUser) -> User {
    new.validate().unwrap();
    diesel::insert_into(users::table)
        .values(&new)
        .returning(User::as_returning())
        .get_result(conn)
        .unwrap()
}

pub(super) fn insert_many(_: Place, conn: &mut Native, new: &[NewUser]) -> Vec<User> {
    diesel::insert_into(users::table)
        .values(new)
        .returning(User::as_returning())
        .load(conn)
        .unwrap()
}

/// With a fragment of one's own for these two columns, since Diesel's `update` is prepared anew
/// every time.
pub(super) fn update_one(_: Place, conn: &mut Native, id: i64, mut changes: UserChanges) -> User {
    changes.validate().unwrap();
    let email = changes.email.unwrap();
    let updated_at: Timestamp = changes.updated_at.unwrap();
    Update {
        set: (users::email.eq(email), users::updated_at.eq(updated_at)).as_changeset(),
        key: users::id.eq(id),
        columns: User::as_returning(),
    }
    .get_result(conn)
    .unwrap()
}

struct Update<S, K, C> {
    set: S,
    key: K,
    columns: C,
}

/// It is only ever used for the same columns.
impl<S, K, C> QueryId for Update<S, K, C> {
    type QueryId = Update<(), (), ()>;
}

impl<S, K, C, DB: Backend> QueryFragment<DB> for Update<S, K, C>
where
    S: QueryFragment<DB>,
    K: QueryFragment<DB>,
    C: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE users SET ");
        self.set.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.key.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.columns.walk_ast(out)
    }
}

impl<S, K, C: Expression> Query for Update<S, K, C> {
    type SqlType = C::SqlType;
}

impl<S, K, C> RunQueryDsl<Native> for Update<S, K, C> {}
