use lback::sqlite::prelude::*;

#[receiver(user_post_create)]
fn audit<T: std::fmt::Debug>(user: &T) {
    println!("{user:?}");
}

fn main() {}
