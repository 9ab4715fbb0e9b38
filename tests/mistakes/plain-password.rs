use lback::sqlite::{prelude::*, users::*};

fn main() {
    let _ = NewUser::with_password("ada", "ada@example.com", "correct horse battery");
}
