use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, ordre = 1)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
