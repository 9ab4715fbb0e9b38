use lback::sqlite::{prelude::*, users::*};

#[receiver]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
