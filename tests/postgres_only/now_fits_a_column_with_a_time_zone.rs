//! What the database works out is taken for a column as Diesel takes it in `column.eq(..)`: its `now` fits
//! TIMESTAMP and TIMESTAMPTZ, and a column that may be NULL.

use crate::database::*;
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::now;

diesel::table! {
    visits (id) {
        id -> BigInt,
        seen -> Timestamptz,
        left -> Nullable<Timestamptz>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = visits)]
pub struct Visit {
    pub id: i64,
    pub seen: DateTime<Utc>,
    pub left: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = visits)]
pub struct VisitChanges {
    pub seen: Option<Set<DateTime<Utc>>>,
    pub left: Option<Set<Option<DateTime<Utc>>>>,
}

impl Validate for Visit {}
impl Validate for VisitChanges {}

own_repository!(Visits: entity = Visit, table = visits, insert = Visit, update = VisitChanges, name = "visit");

#[test]
fn also_one_that_may_be_null() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let table = "CREATE TABLE visits (id BIGINT PRIMARY KEY, seen TIMESTAMPTZ NOT NULL, \"left\" TIMESTAMPTZ)";
    database.connection().batch_execute(table).expect("a table");
    let session = &mut database.session();
    let long_ago = DateTime::<Utc>::UNIX_EPOCH;
    let visit = Visit {
        id: 1,
        seen: long_ago,
        left: None,
    };
    Visits.create(session, visit)?;

    let changes = VisitChanges {
        seen: Some(Set::expression(visits::seen, now)),
        left: Some(Set::expression(visits::left, now)),
    };
    let visit = Visits.update(session, 1_i64, changes)?;
    assert!(visit.seen > long_ago);
    assert_eq!(visit.left, Some(visit.seen));

    let never = VisitChanges {
        left: Some(Set::to(None)),
        ..VisitChanges::default()
    };
    assert_eq!(Visits.update(session, &visit, never)?.left, None);
    Ok(())
}
