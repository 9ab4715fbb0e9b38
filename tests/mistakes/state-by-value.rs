use lback::sqlite::{prelude::*, users::*};

#[derive(Clone)]
struct Mailer;

#[receiver(user_post_create)]
fn welcome(user: &User, #[state] mailer: Mailer) {
    let _ = (user, mailer);
}

fn main() {}
