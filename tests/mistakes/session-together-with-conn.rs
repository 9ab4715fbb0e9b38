use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn audit(user: &User, session: &mut Session, conn: &mut SqliteConnection) {
    let _ = (user, session, conn);
}

fn main() {}
