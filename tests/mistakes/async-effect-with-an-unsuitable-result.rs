use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit)]
async fn count(user: &User) -> bool {
    user.is_active
}

fn main() {}
