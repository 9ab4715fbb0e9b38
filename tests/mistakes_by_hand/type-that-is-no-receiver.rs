use lback::sqlite::prelude::*;

fn main() {
    let _ = lback::manual_registry![user_post_create];
}
