//! A search index beside the database: told after the commit, once for each article that has really
//! changed, however often the transaction wrote it.
//!
//! `cargo run -p lback-examples --example search_index`

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use lback::Validate;
use lback::sqlite::prelude::*;

diesel::table! {
    articles (id) {
        id -> BigInt,
        title -> Text,
        views -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = articles)]
pub struct Article {
    pub id: i64,
    pub title: String,
    pub views: i64,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = articles)]
pub struct NewArticle {
    pub title: String,
    pub views: i64,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = articles)]
pub struct ArticleChanges {
    pub title: Option<String>,
    pub views: Option<i64>,
}

impl Validate for NewArticle {}
impl Validate for ArticleChanges {}

#[repository(
    entity = Article,
    table = articles,
    insert = NewArticle,
    update = ArticleChanges,
    connection = SqliteConnection,
    changes
)]
#[derive(Clone, Debug, Default)]
pub struct Articles;

/// What would be a server: each call of it takes its time.
#[derive(Default)]
struct Index {
    titles: Mutex<BTreeMap<i64, String>>,
    calls: Mutex<u32>,
}

impl Index {
    fn titles(&self) -> MutexGuard<'_, BTreeMap<i64, String>> {
        *self.calls.lock().expect("nobody panics with it") += 1;
        self.titles.lock().expect("nobody panics with it")
    }

    fn calls(&self) -> u32 {
        *self.calls.lock().expect("nobody panics with it")
    }
}

/// Views are not searched for.
#[receiver(article_changed, after_commit, when = |change: &Change<Article>| change.differs(|article| &article.title))]
fn reindex(change: &Change<Article>, article_id: i64, #[state] index: &Index) {
    match change.after() {
        Some(article) => index.titles().insert(article_id, article.title.clone()),
        None => index.titles().remove(&article_id),
    };
}

fn article(title: &str) -> NewArticle {
    NewArticle {
        title: title.to_owned(),
        views: 0,
    }
}

fn titled(title: &str) -> ArticleChanges {
    ArticleChanges {
        title: Some(title.to_owned()),
        ..ArticleChanges::default()
    }
}

fn viewed(views: i64) -> ArticleChanges {
    ArticleChanges {
        views: Some(views),
        ..ArticleChanges::default()
    }
}

fn open() -> lback::Result<Session> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Index::default());
    diesel::sql_query(
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT NOT NULL, views INTEGER NOT NULL)",
    )
    .execute(session.conn())?;
    Ok(session)
}

fn index(session: &Session) -> &Index {
    session.state().expect("it was put in")
}

fn main() -> lback::Result<()> {
    let mut session = open()?;
    session.transaction(|session| {
        let hello = Articles.create(session, article("Helo"))?;
        Articles.update(session, hello.id, titled("Hello"))?;
        for views in 1..=100 {
            Articles.update(session, hello.id, viewed(views))?;
        }
        let draft = Articles.create(session, article("A draft"))?;
        Articles.delete(session, &draft)
    })?;
    assert_eq!(index(&session).calls(), 1, "after 104 writes");
    println!("in the index: {:?}", index(&session).titles());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index as it is, and as the table would have it.
    fn assert_in_step(session: &mut Session) {
        let rows: Vec<(i64, String)> = articles::table
            .order(articles::id)
            .select((articles::id, articles::title))
            .load(session.conn())
            .expect("the table is there");
        let found: Vec<_> = index(session).titles().clone().into_iter().collect();
        assert_eq!(found, rows);
    }

    #[test]
    fn the_program_runs() {
        main().expect("it asserts what it shows");
    }

    #[test]
    fn it_keeps_in_step_with_the_table() -> lback::Result<()> {
        let mut session = open()?;
        let titles = ["one", "two", "three"].map(article);
        let all = Articles.create_many(&mut session, titles)?;
        assert_in_step(&mut session);

        Articles.update_many(&mut session, &all[..2], titled("the same"))?;
        Articles.delete_many(&mut session, &all[1..])?;
        assert_in_step(&mut session);
        Ok(())
    }

    #[test]
    fn what_is_undone_never_reaches_it() -> lback::Result<()> {
        let mut session = open()?;
        let kept = Articles.create(&mut session, article("kept"))?;
        session.transaction(|session| {
            let undone: lback::Result<()> = session.transaction(|session| {
                Articles.update(session, kept.id, titled("undone"))?;
                Err(Veto::new("not this").into())
            });
            assert!(undone.is_err());
            Articles.update(session, kept.id, viewed(1))
        })?;
        assert_eq!(index(&session).calls(), 1, "at its creation");
        assert_in_step(&mut session);
        Ok(())
    }
}
