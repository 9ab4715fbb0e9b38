use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(usr: &User) {
    println!("{}", usr.username);
}

fn main() {}
