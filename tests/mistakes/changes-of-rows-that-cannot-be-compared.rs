use diesel::prelude::*;
use lback::{Validate, repository};

diesel::table! {
    posts (id) {
        id -> Integer,
        title -> Text,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
struct Post {
    id: i32,
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

#[repository(entity = Post, table = posts, insert = NewPost, update = PostChanges, connection = SqliteConnection, changes)]
struct Posts;

fn main() {}
