//! Bulk operations answer as single ones do: two keys are equal where the database says so, a row
//! that gets another key comes back under that, and rows that go along with others by a key that
//! cascades are no error.

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    codes (code) {
        code -> Text,
        name -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = codes, primary_key(code))]
pub struct Code {
    pub code: String,
    pub name: String,
}

/// The key may change.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = codes)]
pub struct CodeChanges {
    pub code: Option<String>,
    pub name: Option<String>,
}

impl Validate for Code {}
impl Validate for CodeChanges {}

mod silent {
    use super::*;
    own_repository!(Codes: entity = Code, table = codes, insert = Code, update = CodeChanges, given_key = code);
}

mod heard {
    use super::*;
    own_repository!(Codes: entity = Code, table = codes, insert = Code, update = CodeChanges, given_key = code, shared_entity);

    #[receiver(code_post_create, code_post_update)]
    fn written(code: &Code, signal: &SignalInfo, #[state] trace: &Trace) {
        trace.note(format!("{} {}", signal.name(), code.code));
    }

    #[receiver(code_post_delete)]
    fn deleted(code: &Code, code_id: &String, #[state] trace: &Trace) {
        assert_eq!(code.code, *code_id);
        trace.note(format!("deleted {code_id}"));
    }
}

/// A table that knows no case, and the form in which it gives `de ` back.
fn table() -> &'static str {
    match NAME {
        "SQLite" => {
            "CREATE TABLE codes (code TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, name TEXT NOT NULL)"
        }
        "PostgreSQL" => {
            "CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             CREATE TABLE codes (code TEXT COLLATE no_case PRIMARY KEY, name TEXT NOT NULL)"
        }
        _ => "CREATE TABLE codes (code VARCHAR(10) PRIMARY KEY, name TEXT NOT NULL)",
    }
}

fn code(code: &str) -> Code {
    Code {
        code: code.into(),
        name: "new".into(),
    }
}

fn named(name: &str) -> CodeChanges {
    CodeChanges {
        name: Some(name.into()),
        ..CodeChanges::default()
    }
}

fn recoded(code: &str) -> CodeChanges {
    CodeChanges {
        code: Some(code.into()),
        ..CodeChanges::default()
    }
}

fn opened(ddl: &str) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    // Triggers have semicolons inside.
    for statement in ddl.split("\n\n") {
        database.connection().batch_execute(statement).unwrap();
    }
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

macro_rules! with_both {
    ($(fn $name:ident($codes:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn unheard() -> lback::Result<()> {
                let $codes = silent::Codes;
                $body
            }

            #[test]
            fn heard() -> lback::Result<()> {
                let $codes = heard::Codes;
                $body
            }
        }
    )*};
}

with_both! {
    fn another_case_is_the_same_row(codes) {
        let Some((_database, mut session, _)) = opened(table()) else { return Ok(()) };
        let created = codes.create_many(&mut session, ["de", "fr", "it"].map(code))?;
        assert_eq!(created, ["de", "fr", "it"].map(code));

        let one = codes.find(&mut session, "DE")?;
        assert_eq!(one, Some(code("de")));
        let many = codes.find_many(&mut session, ["DE", "xx", "fr", "de"])?;
        assert_eq!(many, [one.clone(), None, Some(code("fr")), one]);

        let updated = codes.update_many(&mut session, ["DE", "fr", "de"], named("Germany"))?;
        let names: Vec<_> = updated.iter().map(|row| (&*row.code, &*row.name)).collect();
        assert_eq!(names, [("de", "Germany"), ("fr", "Germany"), ("de", "Germany")]);
        let missing = codes.update_many(&mut session, ["DE", "xx"], named("lost"));
        assert!(matches!(missing, Err(lback::Error::NotFound { .. })), "{missing:?}");

        let missing = codes.delete_many(&mut session, ["DE", "xx"]);
        assert!(matches!(missing, Err(lback::Error::NotFound { .. })), "{missing:?}");
        assert_eq!(codes.count(&mut session)?, 3);
        codes.delete_many(&mut session, ["DE", "de", "FR"])?;
        assert_eq!(codes.count(&mut session)?, 1);
        Ok(())
    }

    fn a_row_that_gets_another_key_comes_back_under_it(codes) {
        let Some((_database, mut session, _)) = opened(table()) else { return Ok(()) };
        codes.create_many(&mut session, ["de", "fr"].map(code))?;
        let updated = codes.update(&mut session, "de", recoded("dd"))?;
        assert_eq!(updated, code("dd"));
        let updated = codes.update_many(&mut session, ["dd"], recoded("ee"))?;
        assert_eq!(updated, [code("ee")]);
        let changes = CodeChanges { name: Some("both".into()), ..recoded("ff") };
        let updated = session.transaction(|session| codes.update(session, "ee", changes))?;
        assert_eq!((&*updated.code, &*updated.name), ("ff", "both"));
        assert_eq!(codes.find(&mut session, "de")?, None);
        assert_eq!(codes.find(&mut session, "ff")?, Some(updated));
        let taken = codes.update(&mut session, "fr", recoded("ff"));
        assert!(matches!(taken, Err(lback::Error::Duplicate { .. })), "{taken:?}");
        Ok(())
    }

    fn a_key_that_a_trigger_changes_is_the_one_that_comes_back(codes) {
        let trigger = match NAME {
            // A trigger of SQLite's cannot.
            "SQLite" => return Ok(()),
            "PostgreSQL" => {
                "\n\nCREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN NEW.code = upper(NEW.code); RETURN NEW; END $$; \
                 CREATE TRIGGER up BEFORE INSERT ON codes FOR EACH ROW EXECUTE FUNCTION up()"
            }
            _ => "\n\nCREATE TRIGGER up BEFORE INSERT ON codes FOR EACH ROW SET NEW.code = UPPER(NEW.code)",
        };
        let Some((_database, mut session, _)) = opened(&format!("{}{trigger}", table())) else {
            return Ok(());
        };
        let one = codes.create(&mut session, code("de"))?;
        let many = codes.create_many(&mut session, ["it", "fr"].map(code))?;
        assert_eq!((one, many), (code("DE"), ["IT", "FR"].map(code).to_vec()));
        Ok(())
    }
}

/// What the receivers were told is what was stored.
#[test]
fn receivers_are_told_of_each_row_once() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened(table()) else {
        return Ok(());
    };
    let codes = heard::Codes;
    codes.create(&mut session, code("de"))?;
    codes.update_many(&mut session, ["DE", "de"], named("Germany"))?;
    codes.update_many(&mut session, ["De"], recoded("dd"))?;
    codes.delete_many(&mut session, ["DD", "dd"])?;
    let told = trace.take();
    let expected = [
        "code_post_create de",
        "code_post_update de",
        "code_post_update dd",
        "deleted dd",
    ];
    assert_eq!(told, expected);
    Ok(())
}

/// What pads its values is found by what it was given.
#[test]
fn a_key_that_is_padded_is_found() -> lback::Result<()> {
    let table = "CREATE TABLE codes (code CHAR(5) PRIMARY KEY, name VARCHAR(20) NOT NULL)";
    let Some((_database, mut session, _)) = opened(table) else {
        return Ok(());
    };
    macro_rules! check {
        ($codes:expr) => {
            let codes = $codes;
            let one = codes.create(&mut session, code("de"))?;
            let many = codes.create_many(&mut session, ["it", "fr"].map(code))?;
            let names = |rows: &[Code]| -> Vec<String> {
                rows.iter().map(|row| row.code.trim().to_owned()).collect()
            };
            assert_eq!(names(&many), ["it", "fr"]);
            let found = codes.find_many(&mut session, ["fr", "de"])?;
            assert_eq!(found, [Some(many[1].clone()), Some(one)]);
            let updated = codes.update_many(&mut session, ["fr", "de"], named("changed"))?;
            assert_eq!(names(&updated), ["fr", "de"]);
            assert!(
                updated.iter().all(|row| row.name == "changed"),
                "{updated:?}"
            );
            codes.delete_many(&mut session, ["it", "de", "fr"])?;
            assert_eq!(codes.count(&mut session)?, 0);
        };
    }
    check!(silent::Codes);
    check!(heard::Codes);
    Ok(())
}

mod tree {
    use super::*;

    diesel::table! {
        nodes (id) {
            id -> BigInt,
            parent -> Nullable<BigInt>,
        }
    }

    #[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
    #[diesel(table_name = nodes)]
    pub struct Node {
        pub id: i64,
        pub parent: Option<i64>,
    }

    #[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
    #[diesel(table_name = nodes)]
    pub struct NodeChanges {
        pub parent: Option<Option<i64>>,
    }

    impl Validate for Node {}
    impl Validate for NodeChanges {}

    mod silent {
        use super::*;
        own_repository!(Nodes: entity = Node, table = nodes, insert = Node, update = NodeChanges, given_key = id);
    }

    mod heard {
        use super::*;
        own_repository!(Nodes: entity = Node, table = nodes, insert = Node, update = NodeChanges, given_key = id, shared_entity);

        #[receiver(node_post_delete)]
        fn deleted(node: &Node, #[state] trace: &Trace) {
            trace.note(format!("deleted {}", node.id));
        }
    }

    #[test]
    fn rows_that_go_along_with_others_are_no_error() -> lback::Result<()> {
        let table = "CREATE TABLE nodes (id BIGINT PRIMARY KEY, parent BIGINT, \
                     FOREIGN KEY (parent) REFERENCES nodes (id) ON DELETE CASCADE)";
        let Some((_database, mut session, trace)) = opened(table) else {
            return Ok(());
        };
        let tree = [(1, None), (2, Some(1)), (3, Some(2)), (4, None)];
        let tree = tree.map(|(id, parent)| Node { id, parent });
        heard::Nodes.create_many(&mut session, tree.clone())?;
        heard::Nodes.delete_many(&mut session, [1, 2, 3])?;
        assert_eq!(trace.take(), ["deleted 1", "deleted 2", "deleted 3"]);
        assert_eq!(heard::Nodes.count(&mut session)?, 1);

        silent::Nodes.create_many(&mut session, tree[..3].to_vec())?;
        let missing = silent::Nodes.delete_many(&mut session, [1, 2, 5]);
        assert!(
            matches!(missing, Err(lback::Error::NotFound { .. })),
            "{missing:?}"
        );
        assert_eq!(silent::Nodes.count(&mut session)?, 4);
        silent::Nodes.delete_many(&mut session, [1, 2, 3])?;
        assert_eq!(silent::Nodes.count(&mut session)?, 1);
        Ok(())
    }
}
