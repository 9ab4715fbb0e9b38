use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, order = 1, order = 2)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
