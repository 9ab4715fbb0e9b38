use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit, lease = 30, max_attempts = 10)]
fn welcome(user: &User) {
    println!("{}", user.username);
}

#[receiver(user_post_create, durable, id = "mail.welcome", batch = 16, upcast = from_v1, version = 0)]
fn mail(user: &User) {
    println!("{}", user.username);
}

fn from_v1(_: u32, payload: serde_json::Value) -> Result<serde_json::Value, lback::BoxError> {
    Ok(payload)
}

fn main() {}
