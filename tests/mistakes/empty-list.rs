use lback::sqlite::prelude::*;

#[receiver]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
