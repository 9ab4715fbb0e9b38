use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create, after_commit)]
async fn count(user: &User) {
    let name = std::rc::Rc::new(user.username.clone());
    std::future::ready(()).await;
    println!("{name}");
}

fn main() {}
