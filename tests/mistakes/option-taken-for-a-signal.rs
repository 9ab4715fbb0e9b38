use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, isolated)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
