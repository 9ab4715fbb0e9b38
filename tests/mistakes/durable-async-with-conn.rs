use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, durable, id = "count.users")]
async fn count(user: &User, conn: &mut SqliteConnection) {
    println!("{}", user.username);
    let _ = conn;
}

#[receiver(user_post_create, durable, id = "count.sessions")]
async fn count_too(user: &User, session: &mut Session) {
    println!("{}", user.username);
    let _ = session;
}

fn main() {}
