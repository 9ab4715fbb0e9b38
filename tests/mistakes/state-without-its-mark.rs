use lback::sqlite::{prelude::*, users::*};

struct Mailer;

#[receiver(user_post_create)]
fn welcome(user: &User, mailer: &Mailer) {
    println!("{}", user.username);
}

#[receiver(user_post_create, after_commit)]
fn welcome_later(user: &User, mailer: &Mailer) {
    println!("{}", user.username);
}

#[receiver(user_post_create, after_commit, when = |role: &str| role == "admin")]
fn alarm(user: &User) {
    println!("{}", user.username);
}

fn main() {}
