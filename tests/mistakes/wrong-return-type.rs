use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &User) -> usize {
    user.username.len()
}

fn main() {}
