#![deny(ambiguous_glob_imports)]

use lback::postgres::{prelude::*, users::*};
use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &User, session: &mut Session) {
    println!("{} {}", user.username, session.in_transaction());
}

fn main() {
    UserRepository::new();
}
