use lback::sqlite::{prelude::*, users::*};

struct Mailer;

#[receiver(user_post_create, when = |user: &User, #[state] mailer: &Mailer| user.is_active)]
fn welcome(user: &User) {
    println!("{}", user.username);
}

fn main() {}
