use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn rename(user: &mut User) {
    user.username.clear();
}

fn main() {}
