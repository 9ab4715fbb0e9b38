use lback::sqlite::{prelude::*, users::*};

#[receiver(user_pre_delete, durable, id = "mail.goodbye")]
fn goodbye(user: &User) {
    println!("{}", user.username);
}

fn main() {}
