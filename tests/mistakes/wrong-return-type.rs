use lback::sqlite::prelude::*;

#[receiver(user_post_create)]
fn audit(user: &User) -> usize {
    user.username.len()
}

fn main() {}
