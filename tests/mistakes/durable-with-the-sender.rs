use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, durable, id = "mail.welcome")]
fn welcome(user: &User, sender: &UserRepository) {
    println!("{} {sender:?}", user.username);
}

fn main() {}
