use lback::sqlite::{prelude::*, users::*};

use std::error::Error;

#[receiver(user_pre_create)]
fn check(data: &NewUser) -> Result<(), Box<dyn Error>> {
    let _: i32 = data.username.parse()?;
    Ok(())
}

fn main() {}
