use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &NewUser) {
    println!("{}", user.username);
}

fn main() {}
