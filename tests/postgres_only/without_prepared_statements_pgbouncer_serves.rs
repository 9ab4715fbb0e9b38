//! Without prepared statements, PgBouncer serves: in transaction mode each transaction has another
//! connection of the server, on which nothing may have been left. `tests/services` starts one.

use diesel::connection::SimpleConnection;
use std::sync::{Arc, Barrier};

use lback::Database as Pool;

use crate::database::*;

// PgBouncer passes on no search path.
diesel::table! {
    through_pgbouncer.items (id) {
        id -> BigInt,
        title -> Text,
        note -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = items)]
pub struct Item {
    pub id: i64,
    pub title: String,
    pub note: Option<String>,
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
    pub note: Option<String>,
}

impl Validate for NewItem {}
impl Validate for ItemChanges {}

own_repository!(Items: entity = Item, table = items, insert = NewItem, update = ItemChanges);

#[receiver(item_post_create, item_post_update, item_post_delete)]
fn listen(item: &Item) {
    assert!(item.title.contains(' '));
}

fn new(title: String) -> NewItem {
    NewItem { title }
}

fn work(session: &mut Session, worker: usize) -> lback::Result<()> {
    for round in 0..10 {
        let item = Items.create(session, new(format!("{worker} {round}")))?;
        assert_eq!(item.title, format!("{worker} {round}"));
        let title = ItemChanges {
            title: Some(format!("{worker} {round} changed")),
            ..ItemChanges::default()
        };
        let changed = session.transaction(|session| Items.update(session, &item, title))?;
        assert_eq!(Items.find(session, item.id)?, Some(changed));
        let note = ItemChanges {
            note: Some("noted".into()),
            ..ItemChanges::default()
        };
        let more = (0..3).map(|number| new(format!("{worker} {number}")));
        let more = Items.create_many(session, more)?;
        let noted = Items.update_many(session, &more, note)?;
        assert!(
            noted
                .iter()
                .all(|item| item.note.as_deref() == Some("noted"))
        );
        Items.delete_many(session, &more)?;
        Items.delete(session, &item)?;
        assert_eq!(Items.find(session, item.id)?, None);
        let mine: i64 = items::table
            .filter(items::title.like(format!("{worker} %")))
            .count()
            .get_result(session.conn())?;
        assert_eq!(mine, 0);
    }
    Ok(())
}

#[test]
fn many_sessions_on_two_connections() {
    let (Some(database), Ok(url)) = (Database::empty(), std::env::var("LBACK_TEST_PGBOUNCER_URL"))
    else {
        println!("left out: there is no PgBouncer");
        return;
    };
    let mut owner = database.connection();
    owner
        .batch_execute(
            "DROP SCHEMA IF EXISTS through_pgbouncer CASCADE; CREATE SCHEMA through_pgbouncer; \
             CREATE TABLE through_pgbouncer.items \
             (id BIGSERIAL PRIMARY KEY, title TEXT NOT NULL, note TEXT)",
        )
        .unwrap();
    let pool: Pool<Native> = Pool::builder()
        .max_size(4)
        .without_prepared_statements()
        .connect(&url)
        .unwrap();
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|worker| {
            let (barrier, url) = (Arc::clone(&barrier), url.clone());
            let pool = (worker % 2 == 0).then(|| pool.clone());
            std::thread::spawn(move || {
                let mut session = match pool {
                    Some(pool) => pool.session()?,
                    None => connect(&url)?.without_prepared_statements(),
                };
                barrier.wait();
                work(&mut session, worker)
            })
        })
        .collect();
    for done in threads {
        done.join().unwrap().unwrap();
    }
    owner
        .batch_execute("DROP SCHEMA through_pgbouncer CASCADE")
        .unwrap();
}
