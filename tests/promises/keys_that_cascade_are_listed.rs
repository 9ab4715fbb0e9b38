//! Keys that cascade are listed: rows that the database deletes or changes along with others send no
//! signal, and a program can ask where that may happen.

use diesel::connection::SimpleConnection;
use lback::CascadeAction;

use crate::database::*;

const TABLES: [&str; 5] = [
    "CREATE TABLE parents (one INTEGER NOT NULL, other INTEGER NOT NULL, number INTEGER NOT NULL UNIQUE, \
     PRIMARY KEY (one, other))",
    "CREATE TABLE gone (id INTEGER PRIMARY KEY, number INTEGER, \
     FOREIGN KEY (number) REFERENCES parents (number) ON DELETE CASCADE)",
    "CREATE TABLE emptied (id INTEGER PRIMARY KEY, number INTEGER, \
     FOREIGN KEY (number) REFERENCES parents (number) ON DELETE SET NULL)",
    "CREATE TABLE kept (id INTEGER PRIMARY KEY, number INTEGER, \
     FOREIGN KEY (number) REFERENCES parents (number))",
    "CREATE TABLE pairs (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, number INTEGER, \
     FOREIGN KEY (b, a) REFERENCES parents (one, other) ON DELETE CASCADE, \
     FOREIGN KEY (number) REFERENCES parents (number) ON DELETE SET NULL)",
];

#[test]
fn those_alone_that_are_silent() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let mut session = database.session();
    assert_eq!(cascades(&mut session)?, []);
    for table in TABLES {
        session.conn().batch_execute(table)?;
    }
    let listed = cascades(&mut session)?;
    let texts: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let expected = [
        "emptied (number) REFERENCES parents ON DELETE SET NULL",
        "gone (number) REFERENCES parents ON DELETE CASCADE",
        "pairs (b, a) REFERENCES parents ON DELETE CASCADE",
        "pairs (number) REFERENCES parents ON DELETE SET NULL",
    ];
    assert_eq!(texts, expected);
    assert_eq!(listed[2].columns, ["b", "a"]);
    assert_eq!(listed[0].action, CascadeAction::SetNull);
    Ok(())
}
