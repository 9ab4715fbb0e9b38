use lback::sqlite::{prelude::*, users::*};

fn main() {
    let _ = lback::manual_registry![user_post_create];
}
