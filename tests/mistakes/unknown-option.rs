use lback::sqlite::prelude::*;

#[receiver(user_post_create, ordre = 1)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
