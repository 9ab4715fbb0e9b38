use diesel::prelude::*;
use lback::{Validate, repository};

diesel::table! {
    posts (id, a, b, c, d) {
        id -> Integer,
        a -> Integer,
        b -> Integer,
        c -> Integer,
        d -> Integer,
        title -> Text,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
#[diesel(primary_key(id, a, b, c, d))]
struct Post {
    id: i32,
    a: i32,
    b: i32,
    c: i32,
    d: i32,
    title: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = posts)]
struct NewPost {
    title: String,
}

#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = posts)]
struct PostChanges {
    title: Option<String>,
}

impl Validate for NewPost {}
impl Validate for PostChanges {}

#[repository(entity = Post, table = posts, insert = NewPost, update = PostChanges, connection = SqliteConnection)]
struct Posts;

fn main() {}
