//! Rows that depend on others: a key with ON DELETE CASCADE lets the database delete them without a
//! word. Deleted through their own repository first, each sends its signals.
//!
//! `cargo run -p lback-examples --example cascades`

use lback::sqlite::prelude::*;

diesel::table! {
    posts (id) {
        id -> BigInt,
        title -> Text,
    }
}

diesel::table! {
    comments (id) {
        id -> BigInt,
        post_id -> BigInt,
        text -> Text,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = posts)]
pub struct Post {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = posts)]
pub struct NewPost {
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = posts)]
pub struct PostChanges {
    pub title: Option<String>,
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = comments)]
pub struct Comment {
    pub id: i64,
    pub post_id: i64,
    pub text: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = comments)]
pub struct NewComment {
    pub post_id: i64,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = comments)]
pub struct CommentChanges {
    pub text: Option<String>,
}

impl Validate for NewPost {}
impl Validate for PostChanges {}
impl Validate for NewComment {}
impl Validate for CommentChanges {}

#[repository(entity = Post, table = posts, insert = NewPost, update = PostChanges, connection = SqliteConnection)]
#[derive(Clone, Debug, Default)]
pub struct Posts;

#[repository(entity = Comment, table = comments, insert = NewComment, update = CommentChanges, connection = SqliteConnection)]
#[derive(Clone, Debug, Default)]
pub struct Comments;

/// The comments of a post go before it does, through their repository. What the database's own key
/// would have deleted is not there any more.
#[receiver(post_pre_delete)]
fn comments_go_first(post: &Post, session: &mut Session) -> lback::Result<()> {
    let ids: Vec<i64> = comments::table
        .filter(comments::post_id.eq(post.id))
        .select(comments::id)
        .load(session.conn())?;
    Comments.delete_many(session, ids)
}

/// What would have been missed: an index of texts, a counter, a file to be removed.
#[derive(Default)]
struct Index(std::sync::Mutex<Vec<String>>);

#[receiver(comment_post_delete, after_commit)]
fn forget(comment: &Comment, #[state] index: &Index) {
    let mut forgotten = index.0.lock().expect("nobody panics with it");
    forgotten.push(comment.text.clone());
}

fn main() -> lback::Result<()> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Index::default());
    for table in [
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT NOT NULL)",
        "CREATE TABLE comments (id INTEGER PRIMARY KEY, text TEXT NOT NULL, \
         post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE)",
    ] {
        diesel::sql_query(table).execute(session.conn())?;
    }

    // Where rows may go without a signal. In a test this list shows each new key.
    for silent in lback::sqlite::cascades(&mut session)? {
        println!("the database by itself: {silent}");
    }

    let post = Posts.create(
        &mut session,
        NewPost {
            title: "Hello".into(),
        },
    )?;
    let texts = ["First!", "Second."];
    let comments = texts.map(|text| NewComment {
        post_id: post.id,
        text: text.into(),
    });
    Comments.create_many(&mut session, comments)?;

    Posts.delete(&mut session, &post)?;

    assert_eq!(Comments.count(&mut session)?, 0);
    let index = session.state::<Index>().expect("it was put in above");
    let forgotten = index.0.lock().expect("nobody panics with it");
    assert_eq!(*forgotten, texts);
    println!("forgotten: {forgotten:?}");
    Ok(())
}
