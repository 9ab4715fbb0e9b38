use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_crate)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
