use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit, on_error = "isolate")]
fn welcome(user: &User) {
    println!("{}", user.username);
}

fn main() {}
