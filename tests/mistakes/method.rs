use lback::sqlite::{prelude::*, users::*};

struct Auditor;

impl Auditor {
    #[receiver(user_post_create)]
    fn audit(&self, user: &User) {
        println!("{}", user.username);
    }
}

fn main() {}
