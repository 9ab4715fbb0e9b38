use lback::sqlite::prelude::*;

struct Post;

#[repository(entity = Post, connection = SqliteConnection)]
struct Posts;

fn main() {}
