//! What applications write beside plain rows: a join table with signals, a setting that is there or not, a
//! counter, and rows that are deleted by being marked.
//!
//! `cargo run -p lback-examples --example social`

use std::sync::Mutex;

use lback::sqlite::{Set, prelude::*};

diesel::table! {
    /// Who follows whom: the key is the row.
    follows (follower, followed) {
        follower -> BigInt,
        followed -> BigInt,
    }
}

diesel::table! {
    settings (owner, name) {
        owner -> BigInt,
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    articles (id) {
        id -> BigInt,
        title -> Text,
        views -> BigInt,
        deleted_at -> Nullable<Timestamp>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = follows, primary_key(follower, followed))]
pub struct Follow {
    pub follower: i64,
    pub followed: i64,
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = settings, primary_key(owner, name))]
pub struct Setting {
    pub owner: i64,
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = settings)]
pub struct SettingChanges {
    pub value: Option<String>,
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = articles)]
pub struct Article {
    pub id: i64,
    pub title: String,
    pub views: i64,
    pub deleted_at: Option<chrono::NaiveDateTime>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = articles)]
pub struct NewArticle {
    pub title: String,
}

/// All that can ever change in an article. Nobody outside fills it in: they give one of the types below.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = articles)]
pub struct ArticleChanges {
    title: Option<String>,
    views: Option<Set<i64>>,
    deleted_at: Option<Set<chrono::NaiveDateTime>>,
}

/// What an author may do.
pub struct Retitle(pub String);

/// What a reader does.
pub struct View;

/// What a moderator may do: the row stays, and nobody sees it.
pub struct Hide;

impl From<Retitle> for ArticleChanges {
    fn from(Retitle(title): Retitle) -> Self {
        Self {
            title: Some(title),
            ..Self::default()
        }
    }
}

impl From<View> for ArticleChanges {
    fn from(_: View) -> Self {
        Self {
            // The database adds: of two readers at once, both count.
            views: Some(Set::plus(articles::views, 1)),
            ..Self::default()
        }
    }
}

impl From<Hide> for ArticleChanges {
    fn from(_: Hide) -> Self {
        Self {
            deleted_at: Some(Set::expression(articles::deleted_at, diesel::dsl::now)),
            ..Self::default()
        }
    }
}

impl Validate for Follow {}
impl Validate for Setting {}
impl Validate for SettingChanges {}
impl Validate for NewArticle {}
impl Validate for ArticleChanges {}

// Nothing changes in a follow, so there is no `update`.
#[repository(entity = Follow, table = follows, insert = Follow, connection = SqliteConnection)]
pub struct Follows;

#[repository(entity = Setting, table = settings, insert = Setting, update = SettingChanges, connection = SqliteConnection)]
pub struct Settings;

#[repository(entity = Article, table = articles, insert = NewArticle, update = ArticleChanges, connection = SqliteConnection)]
pub struct Articles;

/// Who acts. A job of the night is nobody.
pub struct Actor(i64);

/// What the application's users are told.
#[derive(Default)]
pub struct News(Mutex<Vec<String>>);

impl News {
    fn tell(&self, what: String) {
        println!("{what}");
        self.0.lock().expect("nobody panics with it").push(what);
    }
}

#[receiver(follow_pre_create)]
fn not_oneself(data: &Follow) -> Result<(), Veto> {
    if data.follower == data.followed {
        return Err(Veto::new("nobody follows themselves"));
    }
    Ok(())
}

#[receiver(follow_post_create, after_commit)]
fn a_new_follower(follow: &Follow, #[state] news: &News) {
    news.tell(format!("{} follows {}", follow.follower, follow.followed));
}

#[receiver(follow_post_delete, after_commit)]
fn one_less(follow_id: (i64, i64), #[state] news: &News) {
    let (who, whom) = follow_id;
    news.tell(format!("{who} follows {whom} no more"));
}

#[receiver(setting_post_create, setting_post_update, after_commit)]
fn a_setting(setting: &Setting, #[state] news: &News) {
    news.tell(format!("{} is {}", setting.name, setting.value));
}

/// Of the signals of an update, one that is a deletion.
#[receiver(
    article_post_update,
    after_commit,
    when = |article: &Article, previous: &Article| previous.deleted_at.is_none() && article.deleted_at.is_some()
)]
fn hidden(article: &Article, #[state] actor: Option<&Actor>, #[state] news: &News) {
    let by = actor.map_or("by itself".to_owned(), |Actor(id)| format!("by {id}"));
    news.tell(format!("{} was hidden {by}", article.title));
}

/// Rows are deleted by being marked, and in no other way.
#[receiver(article_pre_delete)]
fn only_hidden(_article: &Article) -> Result<(), Veto> {
    Err(Veto::new("an article is hidden, not deleted"))
}

fn main() -> lback::Result<()> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(News::default());
    for table in [
        "CREATE TABLE follows (follower INTEGER NOT NULL, followed INTEGER NOT NULL, \
         PRIMARY KEY (follower, followed))",
        "CREATE TABLE settings (owner INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, \
         PRIMARY KEY (owner, name))",
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT NOT NULL, \
         views INTEGER NOT NULL DEFAULT 0, deleted_at TIMESTAMP)",
    ] {
        diesel::sql_query(table).execute(session.conn())?;
    }

    // A join table. To follow twice is to follow, and to leave somebody whom one does not follow no error.
    let follow = |follower, followed| Follow { follower, followed };
    assert!(
        Follows
            .create_if_absent(&mut session, (1, 2), follow(1, 2))?
            .is_created()
    );
    assert!(
        !Follows
            .create_if_absent(&mut session, (1, 2), follow(1, 2))?
            .is_created()
    );
    assert!(Follows.create(&mut session, follow(3, 3)).is_err());
    Follows.create_many(&mut session, [follow(3, 2), follow(2, 1)])?;
    assert!(Follows.delete_if_there(&mut session, (2, 1))?);
    assert!(!Follows.delete_if_there(&mut session, (2, 1))?);
    // Somebody's account is closed: each of those who followed is told of.
    assert_eq!(
        Follows.delete_where(&mut session, follows::followed.eq(2))?,
        2
    );

    // A setting that is there or not.
    for value in ["dark", "light"] {
        let theme = Setting {
            owner: 1,
            name: "theme".into(),
            value: value.into(),
        };
        let changes = SettingChanges {
            value: Some(value.into()),
        };
        Settings.create_or_update(&mut session, (1, "theme".to_owned()), theme, changes)?;
    }

    // A counter, and rows that are marked.
    let hello = NewArticle {
        title: "Hello".into(),
    };
    let article = Articles.create(&mut session, hello)?;
    Articles.update(&mut session, &article, View)?;
    let article = Articles.update(&mut session, &article, View)?;
    assert_eq!(article.views, 2);
    session.with(Actor(7), |session| Articles.update(session, &article, Hide))?;
    assert!(Articles.delete(&mut session, &article).is_err());
    let visible = articles::deleted_at.is_null();
    assert!(Articles.find_where(&mut session, visible)?.is_empty());
    let changed = Articles.update_where(&mut session, visible, Retitle("Gone".into()))?;
    assert_eq!(changed, 0);

    let news = session.state::<News>().expect("it was put in above");
    assert_eq!(
        *news.0.lock().expect("nobody panics with it"),
        [
            "1 follows 2",
            "3 follows 2",
            "2 follows 1",
            "2 follows 1 no more",
            "1 follows 2 no more",
            "3 follows 2 no more",
            "theme is dark",
            "theme is light",
            "Hello was hidden by 7",
        ]
    );
    Ok(())
}
