use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
async fn welcome(user: &User) {
    println!("{}", user.username);
}

fn main() {}
