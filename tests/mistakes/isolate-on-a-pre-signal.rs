use lback::sqlite::{prelude::*, users::*};

#[receiver(user_pre_create, on_error = "isolate")]
fn count(data: &NewUser) {
    println!("{}", data.username);
}

fn main() {}
