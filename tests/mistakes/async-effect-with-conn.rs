use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit)]
async fn count(user: &User, conn: &mut SqliteConnection) {
    println!("{}", user.username);
    let _ = conn;
}

fn main() {}
