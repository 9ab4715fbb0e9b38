use lback::sqlite::{prelude::*, users::*};

fn main() {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    let _ = diesel::delete(users::table).execute(&mut session);
}
