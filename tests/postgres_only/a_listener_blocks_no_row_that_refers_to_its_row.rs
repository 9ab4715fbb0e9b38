//! A listener blocks no row that refers to its row. An update locks what it is told of no more than
//! the UPDATE itself does: others may insert rows that refer to it meanwhile.

use std::sync::{Arc, Barrier};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use std::sync::Mutex;

use crate::database::*;

diesel::table! {
    items (number) {
        number -> Integer,
        title -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items, primary_key(number))]
pub struct Item {
    pub number: i32,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = items)]
pub struct NewItem {
    pub title: String,
}

/// The key may change.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = items)]
pub struct ItemChanges {
    pub number: Option<i32>,
    pub title: Option<String>,
}

impl Validate for NewItem {}
impl Validate for ItemChanges {}

own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges);

#[receiver(item_post_update)]
fn listen(item: &Item) {
    assert!(!item.title.is_empty());
}

const TABLES: &str = "CREATE TABLE items (number SERIAL PRIMARY KEY, title TEXT NOT NULL); \
     CREATE TABLE comments (id SERIAL PRIMARY KEY, item INTEGER NOT NULL REFERENCES items); \
     INSERT INTO items (title) VALUES ('a'), ('b')";

fn titled(title: &str) -> ItemChanges {
    ItemChanges {
        title: Some(title.into()),
        ..ItemChanges::default()
    }
}

/// A comment is added and its item changed, by two at once.
#[test]
fn two_who_comment_and_count_do_not_deadlock() {
    let Some(database) = Database::empty() else {
        return;
    };
    database.connection().batch_execute(TABLES).unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let threads: Vec<_> = (0..2)
        .map(|number| {
            let (mut session, barrier) = (database.session(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                session.transaction(|session| {
                    let comment = "INSERT INTO comments (item) VALUES (1), (2)";
                    session.conn().batch_execute(comment)?;
                    barrier.wait();
                    Items.update(session, 1, titled(&number.to_string()))?;
                    Items.update_many(session, [1, 2], titled("both"))?;
                    lback::Result::Ok(())
                })
            })
        })
        .collect();
    for done in threads {
        done.join().unwrap().unwrap();
    }
}

#[test]
fn an_update_that_changes_the_key_takes_the_stronger_lock() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    database.connection().batch_execute(TABLES).unwrap();
    let mut session = database.session();
    let locks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&locks);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                let lock = text
                    .split(" FOR ")
                    .nth(1)
                    .map(|lock| lock.split(" -- ").next());
                seen.lock()
                    .unwrap()
                    .extend(lock.flatten().map(str::to_owned));
            }
        });
    Items.update(&mut session, 1, titled("a"))?;
    let moved = ItemChanges {
        number: Some(7),
        ..ItemChanges::default()
    };
    assert_eq!(Items.update(&mut session, 1, moved)?.number, 7);
    assert_eq!(*locks.lock().unwrap(), ["NO KEY UPDATE", "UPDATE"]);
    Ok(())
}
