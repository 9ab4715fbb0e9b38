use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &NewUser) {
    println!("{}", user.username);
}

#[receiver(user_post_create, after_commit)]
fn welcome(user: &NewUser) {
    println!("{}", user.username);
}

#[receiver(user_pre_create)]
fn check(data: &User) {
    println!("{}", data.username);
}

#[receiver(user_post_delete)]
fn forget(user_id: i64) {
    println!("{user_id}");
}

fn main() {}
