//! A trigger may give a row another key than the one it was inserted with, and the server does in place of a 0. The row that had that key before is
//! not taken for the new one: on MariaDB, which tells the key, the new row comes back; on MySQL it is an error.

use diesel::connection::SimpleConnection as _;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    codes (code) {
        code -> Text,
        name -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = codes, primary_key(code))]
pub(crate) struct Code {
    code: String,
    name: String,
}

impl Validate for Code {}

#[repository(entity = Code, table = codes, insert = Code, connection = MysqlConnection, given_key = code)]
struct Codes;

#[receiver(code_post_create, after_commit)]
fn created(code: &Code, #[state] trace: &Trace) {
    trace.note(format!("{} {}", code.code, code.name));
}

fn code(code: &str, name: &str) -> Code {
    Code {
        code: code.to_owned(),
        name: name.to_owned(),
    }
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    for statement in [
        "CREATE TABLE codes (code VARCHAR(20) PRIMARY KEY, name VARCHAR(20) NOT NULL)",
        "INSERT INTO codes VALUES ('a', 'old'), ('b', 'old')",
        "CREATE TRIGGER rewrite BEFORE INSERT ON codes FOR EACH ROW SET NEW.code = CONCAT('x', NEW.code)",
    ] {
        database.connection().batch_execute(statement).unwrap();
    }
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn stored(database: &Database) -> Vec<String> {
    codes::table
        .select(codes::code)
        .order(codes::code)
        .load(&mut database.connection())
        .unwrap()
}

#[test]
fn on_mariadb() -> lback::Result<()> {
    let Some((database, mut session, trace)) = opened() else {
        return Ok(());
    };
    let is_mariadb: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "version() LIKE '%MariaDB%'",
    ))
    .get_result(&mut database.connection())?;
    if !is_mariadb {
        return Ok(());
    }
    assert_eq!(
        Codes.create(&mut session, code("a", "new"))?,
        code("xa", "new")
    );
    let many = Codes.create_many(&mut session, [code("b", "new"), code("c", "new")])?;
    assert_eq!(many, [code("xb", "new"), code("xc", "new")]);
    assert_eq!(trace.take(), ["xa new", "xb new", "xc new"]);
    assert_eq!(stored(&database), ["a", "b", "xa", "xb", "xc"]);
    Ok(())
}

#[test]
fn on_mysql() {
    let Some((database, session, trace)) = opened() else {
        return;
    };
    let mut session = lback::mysql::__without_returning(session);
    for result in [
        Codes.create(&mut session, code("a", "new")).map(drop),
        Codes
            .create_many(&mut session, [code("a", "new"), code("b", "new")])
            .map(drop),
        // There is no row of this key before, and none afterwards.
        Codes.create(&mut session, code("c", "new")).map(drop),
    ] {
        assert!(result.is_err(), "{result:?}");
    }
    assert_eq!(stored(&database), ["a", "b"]);
    assert_eq!(trace.take(), [""; 0]);
}

mod zero {
    use super::*;

    diesel::table! {
        items (id) {
            id -> Integer,
            name -> Text,
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
    #[diesel(table_name = items)]
    pub(crate) struct Item {
        id: i32,
        name: String,
    }

    impl Validate for Item {}

    #[repository(entity = Item, table = items, insert = Item, connection = MysqlConnection, given_key = id)]
    struct Items;

    #[receiver(item_post_create, after_commit)]
    fn created(item: &Item, #[state] trace: &Trace) {
        trace.note(format!("{} {}", item.id, item.name));
    }

    fn item(id: i32) -> Item {
        let name = "new".to_owned();
        Item { id, name }
    }

    /// A dump has brought a row 0.
    #[test]
    fn the_number_0_asks_for_another() -> lback::Result<()> {
        let Some(database) = Database::empty() else {
            return Ok(());
        };
        database.connection().batch_execute(
            "CREATE TABLE items (id INTEGER AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL)",
        )?;
        let old = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO items VALUES (0, 'old')";
        database.connection().batch_execute(old)?;
        let stored = || {
            let rows = items::table.order(items::id);
            rows.load::<Item>(&mut database.connection()).unwrap()
        };
        let before = stored();
        let trace = Trace::new();
        let session = database.session().with_state(trace.clone());
        let mut mysql = lback::mysql::__without_returning(session);
        for result in [
            Items.create(&mut mysql, item(0)).map(drop),
            Items.create_many(&mut mysql, [item(7), item(0)]).map(drop),
            mysql.transaction(|mysql| Items.create(mysql, item(0)).map(drop)),
        ] {
            assert!(
                matches!(
                    result,
                    Err(lback::Error::Database(_)
                        | lback::Error::Unsupported { .. }
                        | lback::Error::Suppressed { .. })
                ),
                "{result:?}"
            );
        }
        assert_eq!(stored(), before);
        assert_eq!(trace.take(), [""; 0]);

        let mut session = database.session().with_state(trace.clone());
        // MySQL does as before.
        let Ok(made) = Items.create(&mut session, item(0)) else {
            assert_eq!(stored(), before);
            return Ok(());
        };
        assert_eq!(made.name, "new");
        let many = Items.create_many(&mut session, [item(0), item(70)])?;
        assert_eq!(trace.take().len(), 3);
        let mut all = before;
        all.extend([made].into_iter().chain(many));
        all.sort_by_key(|item| item.id);
        assert_eq!(stored(), all);

        // Where it is told to, the server takes a 0 as it is.
        session.conn().batch_execute(
            "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; DELETE FROM items WHERE id = 0",
        )?;
        assert_eq!(Items.create(&mut session, item(0))?, item(0));
        Ok(())
    }
}
