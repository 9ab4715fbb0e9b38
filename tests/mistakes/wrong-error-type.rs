use lback::sqlite::{prelude::*, users::*};

#[receiver(user_pre_create)]
fn check(data: &NewUser) -> Result<(), u8> {
    if data.username.is_empty() { Err(1) } else { Ok(()) }
}

fn main() {}
