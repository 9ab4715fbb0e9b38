use lback::sqlite::{prelude::*, users::*};

#[receiver(user_pre_create, when = |data: &mut NewUser| data.username.is_empty())]
fn check(data: &NewUser) {
    println!("{}", data.username);
}

fn main() {}
