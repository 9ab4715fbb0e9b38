use lback::sqlite::{prelude::*, users::*};

#[receiver(user_post_create)]
fn count(user: &User, session: &mut Session) -> QueryResult<()> {
    let count: i64 = users::table.count().get_result(session)?;
    println!("{} is number {count}", user.username);
    Ok(())
}

fn load() -> lback::Result<Vec<User>> {
    let mut session = lback::sqlite::connect(":memory:")?;
    Ok(users::table.select(User::as_select()).load(&mut session)?)
}

fn main() {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    let _ = diesel::delete(users::table).execute(&mut session);
}
