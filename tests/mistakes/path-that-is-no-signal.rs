use lback::sqlite::{prelude::*, users::*};

#[receiver(User)]
fn audit(user: &User, conn: &mut SqliteConnection) {
    let _ = (user, conn);
}

fn main() {}
