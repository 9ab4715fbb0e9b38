//! A key that the server does not tell is an error. MySQL has only `LAST_INSERT_ID()`, which keeps the
//! number of an earlier INSERT, of another table even, where a default, a sequence or a trigger has made
//! the key: nothing is stored then, and no other row comes back. MariaDB returns what it inserted.

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    items (id) {
        id -> BigInt,
        title -> Text,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        what -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items)]
pub struct Item {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = items)]
pub struct NewItem {
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = items)]
pub struct ItemChanges {
    pub title: Option<String>,
}

impl Validate for NewItem {}
impl Validate for ItemChanges {}

own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges);

/// `LAST_INSERT_ID()` is the audit's then.
#[receiver(item_pre_create)]
fn audit_it(data: &NewItem, conn: &mut MysqlConnection) -> QueryResult<()> {
    diesel::insert_into(audit::table)
        .values(audit::what.eq(&data.title))
        .execute(conn)
        .map(drop)
}

#[receiver(item_post_create)]
fn created(item: &Item, #[state] trace: &Trace) {
    trace.note(&*item.title);
}

fn opened(ddl: &[&str]) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let mut connection = database.connection();
    let audit = "CREATE TABLE audit (id BIGINT AUTO_INCREMENT PRIMARY KEY, what TEXT NOT NULL)";
    for statement in [audit].iter().chain(ddl) {
        connection.batch_execute(statement).unwrap();
    }
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn new(title: &str) -> NewItem {
    NewItem {
        title: title.into(),
    }
}

/// Tables whose keys `LAST_INSERT_ID()` does not tell, each with rows under the numbers that it may
/// tell instead.
const TABLES: [&[&str]; 4] = [
    &[
        "CREATE SEQUENCE s START WITH 100",
        "CREATE TABLE items (id BIGINT PRIMARY KEY DEFAULT (NEXT VALUE FOR s), title TEXT NOT NULL)",
        "INSERT INTO items VALUES (1, 'old'), (2, 'old'), (3, 'old'), (4, 'old')",
    ],
    &[
        "CREATE TABLE items (id BIGINT PRIMARY KEY DEFAULT (uuid_short()), title TEXT NOT NULL)",
        "INSERT INTO items VALUES (1, 'old'), (2, 'old'), (3, 'old'), (4, 'old')",
    ],
    &[
        "CREATE TABLE items (id BIGINT AUTO_INCREMENT PRIMARY KEY, title TEXT NOT NULL)",
        "INSERT INTO items VALUES (1, 'old'), (2, 'old'), (3, 'old'), (4, 'old')",
        "CREATE TRIGGER key_of_items BEFORE INSERT ON items FOR EACH ROW \
         SET NEW.id = 1000 + (SELECT count(*) FROM audit) * 10 + length(NEW.title)",
    ],
    &[
        "CREATE TABLE items (id BIGINT PRIMARY KEY DEFAULT (uuid_short()), title TEXT NOT NULL, \
         number BIGINT AUTO_INCREMENT UNIQUE)",
        "INSERT INTO items VALUES (1, 'old', 11), (12, 'old', 2), (13, 'old', 3)",
    ],
];

#[test]
fn mysql_stores_nothing_and_says_so() -> lback::Result<()> {
    for ddl in TABLES {
        let Some((_database, session, trace)) = opened(ddl) else {
            return Ok(());
        };
        let mut session = lback::mysql::__without_returning(session);
        let before = Items.count(&mut session)?;
        for is_inside in [false, true] {
            let create = |session: &mut Session| Items.create(session, new("one"));
            let one = if is_inside {
                session.transaction(create)
            } else {
                create(&mut session)
            };
            let error = one.expect_err("the key is not told").to_string();
            assert!(error.contains("given_key"), "{error}");
            let many = Items.create_many(&mut session, ["one", "three"].map(new));
            let error = many.expect_err("no key is told").to_string();
            assert!(error.contains("given_key"), "{error}");
        }
        assert_eq!(Items.count(&mut session)?, before, "{ddl:?}");
        assert_eq!(trace.take(), [""; 0], "{ddl:?}");
    }
    Ok(())
}

#[test]
fn mariadb_returns_what_it_inserted() -> lback::Result<()> {
    // Of an AUTO_INCREMENT column the number is asked, on both.
    let made_otherwise = |ddl: &&[&str]| !ddl.concat().contains("AUTO_INCREMENT PRIMARY KEY");
    for ddl in TABLES.into_iter().filter(made_otherwise) {
        let Some((_database, mut session, trace)) = opened(ddl) else {
            return Ok(());
        };
        let one = Items.create(&mut session, new("one"))?;
        assert_eq!(one.title, "one", "{ddl:?}");
        assert_eq!(Items.find(&mut session, one.id)?, Some(one));
        let many = Items.create_many(&mut session, ["two", "three"].map(new))?;
        let titles: Vec<_> = many.iter().map(|item| &*item.title).collect();
        assert_eq!(titles, ["two", "three"], "{ddl:?}");
        for item in many {
            assert_eq!(Items.find(&mut session, item.id)?, Some(item));
        }
        assert_eq!(trace.take(), ["one", "two", "three"]);
    }
    Ok(())
}

/// As on a Galera cluster, where each server leaves out the numbers of the others.
#[test]
fn mysql_counts_in_the_steps_that_the_server_does() -> lback::Result<()> {
    let table = "CREATE TABLE items (id BIGINT AUTO_INCREMENT PRIMARY KEY, title TEXT NOT NULL)";
    let Some((_database, session, trace)) = opened(&[table]) else {
        return Ok(());
    };
    let mut session = lback::mysql::__without_returning(session);
    session
        .conn()
        .batch_execute("SET auto_increment_increment = 3, auto_increment_offset = 2")?;
    // What others have put between.
    session
        .conn()
        .batch_execute("INSERT INTO items VALUES (3, 'other'), (6, 'other'), (9, 'other')")?;
    let titles: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let one = Items.create(&mut session, new("one"))?;
    assert_eq!(one.title, "one");
    let many = Items.create_many(&mut session, titles.iter().map(|title| new(title)))?;
    let got: Vec<_> = many.iter().map(|item| item.title.clone()).collect();
    assert_eq!(got, titles);
    assert!(
        many.windows(2).all(|two| two[1].id - two[0].id == 3),
        "{many:?}"
    );
    trace.take();
    Ok(())
}

/// All operations, as MySQL does them.
#[test]
fn mysql_does_all_else_as_mariadb_does() -> lback::Result<()> {
    let table = "CREATE TABLE items (id BIGINT AUTO_INCREMENT PRIMARY KEY, title TEXT NOT NULL)";
    let Some((_database, session, trace)) = opened(&[table]) else {
        return Ok(());
    };
    let mut session = lback::mysql::__without_returning(session);
    let one = Items.create(&mut session, new("one"))?;
    let many =
        session.transaction(|session| Items.create_many(session, ["two", "three"].map(new)))?;
    assert_eq!(trace.take(), ["one", "two", "three"]);
    let changes = ItemChanges {
        title: Some("changed".into()),
    };
    let updated = Items.update(&mut session, &one, changes.clone())?;
    assert_eq!(Items.find(&mut session, one.id)?, Some(updated));
    let updated = Items.update_many(&mut session, &many, changes)?;
    assert!(updated.iter().all(|item| item.title == "changed"));
    Items.delete_many(&mut session, &many)?;
    Items.delete(&mut session, one.id)?;
    assert_eq!(Items.count(&mut session)?, 0);
    Ok(())
}
