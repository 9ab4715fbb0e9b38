use lback::sqlite::{prelude::*, users::*};

#[receiver(user_pre_create, after_commit)]
fn welcome(data: &NewUser) {
    println!("{}", data.username);
}

fn main() {}
