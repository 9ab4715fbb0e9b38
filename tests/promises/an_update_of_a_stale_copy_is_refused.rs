//! An update, or a delete, of a stale copy is refused: in a repository with `version = column`, each
//! update counts that column up, and who gives the row, and not its key, must have the last one.

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    pages (id) {
        id -> BigInt,
        title -> Text,
        #[sql_name = "lock_version"]
        edition -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = pages)]
pub struct Article {
    pub id: i64,
    pub title: String,
    pub edition: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = pages)]
pub struct NewArticle {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = pages)]
pub struct ArticleChanges {
    pub title: Option<String>,
}

impl Validate for NewArticle {}
impl Validate for ArticleChanges {}

mod silent {
    use super::*;
    own_repository!(Articles: entity = Article, table = pages, insert = NewArticle, update = ArticleChanges, given_key = id, version = edition);
}

mod heard {
    use super::*;
    own_repository!(Articles: entity = Article, table = pages, insert = NewArticle, update = ArticleChanges, given_key = id, version = edition, shared_entity);

    #[receiver(
        article_pre_update,
        article_post_update,
        article_pre_delete,
        article_post_delete
    )]
    fn told(article: &Article, #[state] trace: &Trace) {
        trace.note(&*article.title);
    }
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let table = "CREATE TABLE pages (id BIGINT PRIMARY KEY, title VARCHAR(20) NOT NULL, \
                 lock_version INTEGER NOT NULL DEFAULT 0)";
    database.connection().batch_execute(table).unwrap();
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn new(id: i64) -> NewArticle {
    NewArticle {
        id,
        title: "new".into(),
    }
}

fn titled(title: &str) -> ArticleChanges {
    ArticleChanges {
        title: Some(title.into()),
    }
}

fn stale<T: std::fmt::Debug>(done: lback::Result<T>) {
    let error = done.expect_err("the copy is an old one");
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert!(!error.is_retryable(), "the same copy is stale again");
}

fn gone<T: std::fmt::Debug>(done: lback::Result<T>) {
    let error = done.expect_err("the row is gone");
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

macro_rules! checks {
    ($name:ident, $articles:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, trace)) = opened() else {
                return Ok(());
            };
            let articles = $articles;
            let first = articles.create(&mut session, new(1))?;
            assert_eq!(first.edition, 0);
            let second = articles.update(&mut session, &first, titled("second"))?;
            assert_eq!((&*second.title, second.edition), ("second", 1));
            trace.take();

            stale(articles.update(&mut session, &first, titled("lost")));
            stale(articles.update(&mut session, &first, ArticleChanges::default()));
            stale(articles.delete(&mut session, &first));
            let other = articles.create(&mut session, new(2))?;
            stale(articles.update_many(&mut session, [&other, &first], titled("lost")));
            stale(articles.delete_many(&mut session, [&other, &first]));
            stale(session.transaction(|session| {
                articles.update(session, 2, titled("undone"))?;
                trace.take();
                articles.update(session, &first, titled("lost"))
            }));
            assert_eq!(trace.take(), [""; 0], "receivers hear of no stale row");
            assert_eq!(articles.find(&mut session, 1)?, Some(second.clone()));
            assert_eq!(articles.find(&mut session, 2)?, Some(other.clone()));

            // Who names a row by its key says nothing of its version.
            let third = articles.update(&mut session, 1, titled("third"))?;
            assert_eq!(third.edition, 2);
            let both = articles.update_many(&mut session, [&third, &other], titled("both"))?;
            assert_eq!([both[0].edition, both[1].edition], [3, 1]);
            let both = articles.update_many(&mut session, [1, 2], titled("again"))?;
            assert_eq!([both[0].edition, both[1].edition], [4, 2]);
            let same = articles.update(&mut session, &both[0], ArticleChanges::default())?;
            assert_eq!(same, both[0], "nothing was changed");

            articles.delete(&mut session, &both[0])?;
            gone(articles.update(&mut session, &both[0], titled("late")));
            gone(articles.delete(&mut session, &both[0]));
            articles.delete_many(&mut session, [&both[1]])?;
            assert_eq!(articles.count(&mut session)?, 0);
            Ok(())
        }
    };
}

checks!(unheard, silent::Articles);
checks!(heard_by_somebody, heard::Articles);

/// Two who have read the same row: one of them is told.
#[test]
fn one_of_two_writers_is_told() -> lback::Result<()> {
    let Some((database, mut one, _)) = opened() else {
        return Ok(());
    };
    let articles = heard::Articles;
    let copy = articles.create(&mut one, new(1))?;
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (copy, mut session) = (copy.clone(), database.session().with_state(Trace::new()));
            std::thread::spawn(move || {
                let title = titled(&number.to_string());
                heard::Articles.update(&mut session, &copy, title).is_ok()
            })
        })
        .collect();
    let done: Vec<_> = threads
        .into_iter()
        .map(|done| done.join().unwrap())
        .collect();
    assert_eq!(done.iter().filter(|&&is_ok| is_ok).count(), 1, "{done:?}");
    assert_eq!(articles.find(&mut one, 1)?.map(|row| row.edition), Some(1));
    Ok(())
}
