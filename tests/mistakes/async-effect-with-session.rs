use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit)]
async fn count(user: &User, session: &mut Session) {
    println!("{}", user.username);
    let _ = session;
}

fn main() {}
