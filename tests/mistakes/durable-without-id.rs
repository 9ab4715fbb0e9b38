use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, durable)]
fn welcome(user: &User) {
    println!("{}", user.username);
}

fn main() {}
