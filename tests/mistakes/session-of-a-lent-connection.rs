use lback::sqlite::{prelude::*, users::*};

fn handler(conn: &mut SqliteConnection) -> lback::Result<()> {
    let mut session = Session::from_guard(conn)?;
    lback::sqlite::migrate(&mut session)
}

fn main() {}
