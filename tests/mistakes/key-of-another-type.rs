use lback::sqlite::{prelude::*, users::*};

diesel::table! {
    posts (id) {
        id -> BigInt,
        title -> Text,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
struct Post {
    id: i64,
    title: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = posts)]
struct NewPost {
    title: String,
}

impl Validate for NewPost {}

#[repository(entity = Post, table = posts, insert = NewPost, connection = SqliteConnection)]
struct Posts;

fn main() {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    let _ = Posts.find(&mut session, "7");
    let _ = UserRepository::new().find(&mut session, 7);
}
