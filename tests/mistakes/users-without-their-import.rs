use lback::sqlite::prelude::*;

#[receiver(user_post_create)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
