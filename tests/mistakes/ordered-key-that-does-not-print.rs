use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_update, durable, id = "crm", ordered = |user: &User| user.token_expiry)]
fn tell(user: &User) {
    println!("{}", user.username);
}

fn main() {}
