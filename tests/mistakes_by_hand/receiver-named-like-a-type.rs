use lback::sqlite::{prelude::*, users::*};

mod audit {}

#[receiver(user_post_create)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
