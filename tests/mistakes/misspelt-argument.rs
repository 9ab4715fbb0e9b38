use lback::sqlite::prelude::*;

#[receiver(user_post_create)]
fn audit(usr: &User) {
    println!("{}", usr.username);
}

fn main() {}
