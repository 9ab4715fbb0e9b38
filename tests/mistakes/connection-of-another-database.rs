use lback::sqlite::{prelude::*, users::*};

struct OtherConnection;

#[receiver(user_post_create)]
fn audit(user: &User, conn: &mut OtherConnection) {
    let _ = (user, conn);
}

fn main() {}
