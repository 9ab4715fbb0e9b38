use lback::sqlite::{prelude::*, users::*};

struct Mailer;

#[receiver(user_post_create, durable, id = "mail.welcome")]
fn welcome(user: &User, mailer: &Mailer) {
    let _ = (user, mailer);
}

#[receiver(user_post_create, durable, id = "mail.welcome.owned")]
fn welcome_owned(user: &User, mailer: Mailer) {
    let _ = (user, mailer);
}

#[receiver(user_post_create, durable, id = "mail.ordered", ordered = |role: &str| role.len())]
fn welcome_in_order(user: &User) {
    let _ = user;
}

fn main() {}
