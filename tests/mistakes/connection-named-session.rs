use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &User, session: &mut SqliteConnection) {
    let _ = (user, session);
}

fn main() {}
