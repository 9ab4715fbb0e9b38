use lback::User;

#[receiver(user_post_create)]
fn audit(user: &User) {
    println!("{}", user.username);
}

fn main() {}
