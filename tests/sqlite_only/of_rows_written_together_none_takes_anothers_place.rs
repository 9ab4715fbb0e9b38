//! Where the schema says ON CONFLICT REPLACE, a row takes the place of others unasked. Of rows that are
//! written together none may take that of another: it is an error, and nothing is stored.

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::{Trace, count};

use crate::database::*;

diesel::table! {
    labels (id) {
        id -> BigInt,
        code -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = labels)]
pub struct Label {
    pub id: i64,
    pub code: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = labels)]
pub struct NewLabel {
    pub code: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = labels)]
pub struct LabelChanges {
    pub code: Option<String>,
}

impl Validate for NewLabel {}
impl Validate for LabelChanges {}

mod quiet {
    use super::*;
    own_repository!(Labels: entity = Label, table = labels, insert = NewLabel, update = LabelChanges);
}

mod heard {
    use super::*;
    own_repository!(Labels: entity = Label, table = labels, insert = NewLabel, update = LabelChanges, shared_entity);

    #[receiver(label_post_create, label_post_update, after_commit)]
    fn stored(label: &Label, #[state] trace: &Trace) {
        trace.note(label.code.clone());
    }
}

/// Also where a view stands before that table, or a trigger does the same.
const TABLES: [&str; 3] = [
    TABLE,
    "CREATE TABLE behind (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE ON CONFLICT REPLACE);
     CREATE VIEW labels AS SELECT * FROM behind;
     CREATE TRIGGER put INSTEAD OF INSERT ON labels BEGIN
         INSERT INTO behind VALUES (NEW.id, NEW.code); END;",
    "CREATE TABLE labels (id INTEGER PRIMARY KEY, code TEXT NOT NULL);
     CREATE TRIGGER put AFTER INSERT ON labels BEGIN
         DELETE FROM labels WHERE code = NEW.code AND id <> NEW.id; END;",
];

const TABLE: &str = "CREATE TABLE labels (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE ON CONFLICT REPLACE
);";

fn coded(code: &str) -> NewLabel {
    NewLabel { code: code.into() }
}

fn to(code: &str) -> LabelChanges {
    LabelChanges {
        code: Some(code.into()),
    }
}

macro_rules! checks {
    ($name:ident, $labels:expr, told: $told:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let database = Database::empty().expect("SQLite is always there");
            database.connection().batch_execute(TABLE)?;
            let trace = Trace::new();
            let mut session = database.session().with_state(trace.clone());
            let (labels, session) = ($labels, &mut session);
            let told: &[&str] = &$told;

            let made = labels.create_many(session, ["a", "b", "c"].map(coded))?;
            assert_eq!(trace.take(), told);
            let many = labels.create_many(session, ["x", "y", "x"].map(coded));
            assert!(matches!(&many, Err(Error::Suppressed { .. })), "{many:?}");
            let ids = [made[0].id, made[1].id];
            let many = labels.update_many(session, ids, to("z"));
            assert!(matches!(&many, Err(Error::Suppressed { .. })), "{many:?}");
            assert_eq!(trace.take(), <[&str; 0]>::default());
            let stored: Vec<Label> = labels::table.order(labels::id).load(session.conn())?;
            assert_eq!(stored, made);

            // A row alone takes the place of another: that is what the schema asks for.
            labels.create(session, coded("c"))?;
            assert_eq!(count("labels", session), 3);
            Ok(())
        }
    };
}

checks!(unheard, quiet::Labels, told: []);
checks!(heard_by_somebody, heard::Labels, told: ["a", "b", "c"]);

mod with_keys {
    use super::*;

    #[derive(Clone, Debug, Insertable)]
    #[diesel(table_name = labels)]
    pub struct KeyedLabel {
        pub id: i64,
        pub code: String,
    }

    impl Validate for KeyedLabel {}

    own_repository!(Labels: entity = Label, table = labels, insert = KeyedLabel, update = LabelChanges,
        given_key = id, shared_entity);

    #[test]
    fn whatever_takes_the_place() {
        for table in TABLES {
            let database = Database::empty().expect("SQLite is always there");
            database.connection().batch_execute(table).unwrap();
            let mut session = database.session();
            let keyed = |(id, code): (i64, &str)| KeyedLabel {
                id,
                code: code.to_owned(),
            };
            let apart = [(1, "a"), (2, "b")].map(keyed);
            Labels.create_many(&mut session, apart).unwrap();
            let many = Labels.create_many(&mut session, [(3, "x"), (4, "y"), (5, "x")].map(keyed));
            assert!(
                matches!(&many, Err(Error::Suppressed { .. })),
                "{table}: {many:?}"
            );
            assert_eq!(count("labels", &mut session), 2, "{table}");
        }
    }
}
