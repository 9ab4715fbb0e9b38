use lback::sqlite::{prelude::*, users::*};

mod handler {
    use super::*;

    #[receiver(user_post_create)]
    pub(crate) fn audit(user: &User) {
        println!("{}", user.username);
    }

    pub(crate) fn helper() {}
}

fn main() {
    let _ = lback::manual_registry![handler::audit, handler::helper];
}
