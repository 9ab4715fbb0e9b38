//! A field of the changes may be a `Set`: a value, so much more, the column's default, or any expression.
//! Receivers see what became of it, and two at once both count. A type of its own says which changes a
//! caller may make.

use std::sync::Barrier;

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    pages (id) {
        id -> BigInt,
        hits -> Integer,
        best -> Nullable<Integer>,
        title -> VarChar,
        seen -> Nullable<Timestamp>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = pages)]
pub struct WebPage {
    pub id: i64,
    pub hits: i32,
    pub best: Option<i32>,
    pub title: String,
    pub seen: Option<chrono::NaiveDateTime>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = pages)]
pub struct NewWebPage {
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = pages)]
pub struct WebPageChanges {
    pub hits: Option<Set<i32>>,
    pub best: Option<Set<i32>>,
    pub title: Option<Set<String>>,
    pub seen: Option<Set<chrono::NaiveDateTime>>,
}

impl Validate for NewWebPage {}
impl Validate for WebPageChanges {}

own_repository!(Pages: entity = WebPage, table = pages, insert = NewWebPage, update = WebPageChanges, name = "page");

mod silent {
    use super::*;
    own_repository!(Pages: entity = WebPage, table = pages, insert = NewWebPage, update = WebPageChanges, name = "page", shared_entity);
}

/// What somebody may do who only visits.
struct Visit;

impl From<Visit> for WebPageChanges {
    fn from(_: Visit) -> Self {
        Self {
            hits: Some(Set::plus(pages::hits, 1)),
            seen: Some(Set::expression(pages::seen, diesel::dsl::now)),
            ..Self::default()
        }
    }
}

#[receiver(page_pre_update)]
fn no_shouting(update_data: &mut WebPageChanges) {
    if let Some(title) = update_data.title.as_ref().and_then(Set::value) {
        update_data.title = Some(Set::to(title.to_lowercase()));
    }
}

#[receiver(page_post_update)]
fn updated(page: &WebPage, previous: &WebPage, #[state] trace: &Trace) {
    trace.note(format!("{} -> {}", previous.hits, page.hits));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let table = format!(
        "CREATE TABLE pages (id {MADE_KEY}, hits INTEGER NOT NULL DEFAULT 3, best INTEGER, \
         title VARCHAR(20) NOT NULL, seen TIMESTAMP NULL)"
    );
    database.connection().batch_execute(&table).unwrap();
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn page() -> NewWebPage {
    NewWebPage {
        title: "Home".into(),
    }
}

macro_rules! answers {
    ($name:ident, $pages:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, _trace)) = opened() else {
                return Ok(());
            };
            let session = &mut session;
            let page = $pages.create(session, page())?;
            assert_eq!((page.hits, page.best), (3, None));
            let page = $pages.update(session, &page, Visit)?;
            assert_eq!((page.hits, &*page.title), (4, "Home"));
            assert!(page.seen.is_some());
            // Several at once, and of another column of the same row.
            let changes = WebPageChanges {
                best: Some(Set::expression(pages::best, pages::hits.nullable() + 10)),
                title: Some(Set::to("start".into())),
                ..WebPageChanges::default()
            };
            let page = $pages.update(session, page.id, changes)?;
            assert_eq!((page.hits, page.best, &*page.title), (4, Some(14), "start"));
            let page = $pages.update(
                session,
                page.id,
                WebPageChanges {
                    best: Some(Set::plus(pages::best, -4)),
                    ..WebPageChanges::default()
                },
            )?;
            assert_eq!(page.best, Some(10));
            // Of many, and by a condition.
            $pages.create(session, page_of("two"))?;
            let again = $pages.update_many(session, [page.id], Visit)?;
            assert_eq!(again[0].hits, 5);
            assert_eq!($pages.update_where(session, pages::hits.gt(0), Visit)?, 2);
            let hits: Vec<_> = $pages
                .list(session, lback::Page::new(0, 9))?
                .iter()
                .map(|it| it.hits)
                .collect();
            assert_eq!(hits, [6, 4]);
            Ok(())
        }
    };
}

fn page_of(title: &str) -> NewWebPage {
    NewWebPage {
        title: title.into(),
    }
}

answers!(unheard, silent::Pages);
answers!(heard_by_somebody, Pages);

#[test]
fn receivers_see_what_is_asked_for_and_what_became_of_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened() else {
        return Ok(());
    };
    let page = Pages.create(&mut session, page())?;
    Pages.update(&mut session, &page, Visit)?;
    assert_eq!(trace.take(), ["3 -> 4"]);
    let loud = WebPageChanges {
        title: Some(Set::to("LOUD".into())),
        ..WebPageChanges::default()
    };
    assert_eq!(Pages.update(&mut session, &page, loud)?.title, "loud");
    let asked = WebPageChanges::from(Visit);
    assert_eq!(
        format!("{:?} {:?}", asked.hits, asked.seen),
        "Some(hits + 1) Some((expression))"
    );
    assert_eq!(asked, asked.clone());
    assert_ne!(asked, WebPageChanges::from(Visit), "two expressions");
    Ok(())
}

#[test]
fn two_at_once_both_count() {
    let Some((database, mut session, trace)) = opened() else {
        return;
    };
    let page = Pages.create(&mut session, page()).unwrap();
    let barrier = Barrier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut session = database.session().with_state(trace.clone());
                barrier.wait();
                for _ in 0..10 {
                    Pages.update(&mut session, page.id, Visit).unwrap();
                }
            });
        }
    });
    let page = Pages.find(&mut session, page.id).unwrap().unwrap();
    assert_eq!(page.hits, 33);
    let mut told = trace.take();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 30, "each receiver saw a number of its own");
}
