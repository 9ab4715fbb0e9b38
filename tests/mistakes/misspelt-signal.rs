use lback::sqlite::prelude::*;

#[receiver(user_post_crate)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
