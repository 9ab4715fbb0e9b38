use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, durable, id = "mail.welcome")]
fn welcome(sender: &UserRepository, user: &User) {
    println!("{} {sender:?}", user.username);
}

fn main() {}
