use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_update, user_post_create)]
fn audit(user: &User, previous: &User) {
    println!("{} {}", previous.username, user.username);
}

fn main() {}
