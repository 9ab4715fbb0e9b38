use lback::sqlite::{prelude::*, users::*};

struct Auditor;

impl Auditor {
    #[receiver(user_post_create)]
    fn audit(user: &User) {
        println!("{}", user.username);
    }
}

trait Welcome {
    fn welcome(user: &User);
}

impl Welcome for Auditor {
    #[receiver(user_post_create, after_commit)]
    fn welcome(user: &User) {
        println!("{}", user.username);
    }
}

fn main() {}
