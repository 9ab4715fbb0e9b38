//! Prepared statements are bounded: of the updates of a repository no more shapes stay prepared than the
//! session allows, 16 unless told, and none where it keeps nothing. The others are given back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::dsl::sql;
use diesel::sql_types::BigInt;

use crate::database::*;

diesel::table! {
    wide (id) {
        id -> BigInt,
        a -> Integer, b -> Integer, c -> Integer, d -> Integer, e -> Integer, f -> Integer,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = wide)]
pub struct Wide {
    pub id: i64,
    pub a: i32,
    pub f: i32,
}

#[derive(Clone, Debug, Default, Insertable)]
#[diesel(table_name = wide)]
pub struct NewWide {
    pub a: i32,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = wide)]
pub struct WideChanges {
    pub a: Option<i32>,
    pub b: Option<i32>,
    pub c: Option<i32>,
    pub d: Option<i32>,
    pub e: Option<i32>,
    pub f: Option<i32>,
}

impl Validate for NewWide {}
impl Validate for WideChanges {}

const SHAPES: i32 = 64;

fn shape(bits: i32, value: i32) -> WideChanges {
    let set = |bit: i32| (bits & (1 << bit) != 0).then_some(value);
    WideChanges {
        a: set(0),
        b: set(1),
        c: set(2),
        d: set(3),
        e: set(4),
        f: set(5),
    }
}

fn opened() -> Option<Database> {
    let database = Database::empty()?;
    let id = match NAME {
        "SQLite" => "INTEGER PRIMARY KEY",
        "PostgreSQL" => "BIGSERIAL PRIMARY KEY",
        _ => "BIGINT AUTO_INCREMENT PRIMARY KEY",
    };
    let columns: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|name| format!("{name} INTEGER NOT NULL DEFAULT 0"))
        .into();
    let table = format!("CREATE TABLE wide (id {id}, {})", columns.join(", "));
    database.connection().batch_execute(&table).unwrap();
    Some(database)
}

/// The texts that were kept.
type Kept = Arc<Mutex<BTreeSet<String>>>;

fn kept(session: &mut Session) -> Kept {
    let kept = Kept::default();
    let log = Arc::clone(&kept);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                log.lock().unwrap().insert(sql.to_owned());
            }
        });
    kept
}

/// What the server holds for this session, or all of its sessions.
fn held(session: &mut Session) -> i64 {
    let held = match NAME {
        "SQLite" => return 0,
        "PostgreSQL" => "(SELECT count(*) FROM pg_prepared_statements)",
        _ => {
            "(SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status \
             WHERE variable_name = 'PREPARED_STMT_COUNT')"
        }
    };
    diesel::select(sql::<BigInt>(held))
        .get_result(session.conn())
        .unwrap()
}

macro_rules! counted {
    ($name:ident, $open:expr, $most:expr) => {
        mod $name {
            use super::*;
            own_repository!(Wides: entity = Wide, table = wide, insert = NewWide, update = WideChanges, shared_entity);

            #[test]
            fn shapes_beyond_the_bound_are_given_back() -> lback::Result<()> {
                let Some(database) = opened() else {
                    return Ok(());
                };
                let open: fn(Session) -> Session = $open;
                let mut session = open(database.session());
                let kept = kept(&mut session);
                let rows = Wides.create_many(&mut session, [NewWide::default(), NewWide::default()])?;
                let before = held(&mut session);
                for round in 1..=2 {
                    for bits in 1..SHAPES {
                        let row = Wides.update(&mut session, rows[0].id, shape(bits, round * bits))?;
                        assert_eq!(row.a, if bits & 1 == 0 { row.a } else { round * bits });
                        let changes = shape(bits, -bits);
                        let many = Wides.update_many(&mut session, &rows, changes)?;
                        assert!(bits & 32 == 0 || many.iter().all(|row| row.f == -bits));
                    }
                }
                let updates = |sql: &&String| sql.starts_with("UPDATE");
                let updates = kept.lock().unwrap().iter().filter(updates).count();
                let of_one = |sql: &&String| sql.starts_with("UPDATE") && !sql.contains("ANY");
                let of_one = kept.lock().unwrap().iter().filter(of_one).count();
                assert_eq!(of_one, $most);
                assert!(updates <= 2 * $most, "{updates}");
                // Other tests use the same server.
                if NAME == "PostgreSQL" {
                    let more = held(&mut session) - before;
                    assert!(more <= 2 * $most + 4, "{more} statements are held");
                }
                Ok(())
            }
        }
    };
}

mod entity {
    use super::*;
    own_repository!(Wides: entity = Wide, table = wide, insert = NewWide, update = WideChanges);
}

counted!(unless_told, |session| session, 16);
counted!(three, |session| session.with_prepared_updates(3), 3);
counted!(nothing, Session::without_prepared_statements, 0);

/// Not even a query of one's own.
#[test]
fn nothing_is_kept_where_nothing_may_be() -> lback::Result<()> {
    let Some(database) = opened() else {
        return Ok(());
    };
    let mut session = database.session().without_prepared_statements();
    let kept = kept(&mut session);
    let row = entity::Wides.create(&mut session, NewWide { a: 5 })?;
    assert_eq!(
        entity::Wides.find(&mut session, row.id)?.map(|row| row.a),
        Some(5)
    );
    let count: i64 = wide::table.count().get_result(session.conn())?;
    assert_eq!(count, 1);
    entity::Wides.delete(&mut session, row.id)?;
    assert_eq!(*kept.lock().unwrap(), BTreeSet::new());
    if NAME == "PostgreSQL" {
        // No name of its own: the one that is asking.
        assert!(held(&mut session) <= 1);
    }
    Ok(())
}

/// A pool of one connection; what its statements keep is noted from the first on.
fn pool(
    database: &Database,
    set: fn(lback::DatabaseBuilder<Native>) -> lback::DatabaseBuilder<Native>,
) -> lback::Result<(lback::Database<Native>, Kept)> {
    let kept = Kept::default();
    let log = Arc::clone(&kept);
    let pool = set(lback::Database::builder().max_size(1)).on_connect(move |conn| {
        let log = Arc::clone(&log);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                log.lock().unwrap().insert(sql.to_owned());
            }
        });
        // A query of the application's own, before any session has the connection.
        wide::table.count().get_result::<i64>(conn).map(drop)
    });
    Ok((pool.connect(&database.url())?, kept))
}

#[test]
fn a_pool_bounds_what_its_connections_keep() -> lback::Result<()> {
    let Some(database) = opened() else {
        return Ok(());
    };
    let (three, kept) = pool(&database, |pool| pool.with_prepared_updates(3))?;
    let row = entity::Wides.create(&mut three.session()?, NewWide { a: 5 })?;
    for bits in 1..SHAPES {
        entity::Wides.update(&mut three.session()?, row.id, shape(bits, bits))?;
    }
    let kept = kept.lock().unwrap();
    assert_eq!(
        kept.iter().filter(|sql| sql.starts_with("UPDATE")).count(),
        3
    );
    assert!(kept.iter().any(|sql| sql.contains("COUNT")), "{kept:?}");

    let (nothing, kept) = pool(&database, |pool| pool.without_prepared_statements())?;
    entity::Wides.update(&mut nothing.session()?, row.id, shape(1, 7))?;
    assert_eq!(*kept.lock().unwrap(), BTreeSet::new());
    Ok(())
}
