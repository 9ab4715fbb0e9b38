//! `#[state] actor: Option<&Actor>`: a write by a job or a sign-up has no acting user, and is no error.

use lback_tests::{Trace, new_user};

use crate::database::*;

own_users!();

struct Actor(&'static str);

fn name(actor: Option<&Actor>) -> &str {
    actor.map_or("nobody", |actor| actor.0)
}

#[receiver(user_pre_create)]
fn before(data: &NewUser, #[state] actor: Option<&Actor>, #[state] trace: &Trace) {
    trace.note(format!("{} by {}", data.username, name(actor)));
}

#[receiver(user_post_create)]
fn with_connection(#[state] actor: Option<&Actor>, conn: &mut Native) -> QueryResult<()> {
    lback_tests::note(conn, name(actor))
}

#[receiver(user_post_create, after_commit)]
fn later(#[state] actor: std::option::Option<&Actor>, #[state] trace: &Trace) {
    trace.note(format!("stored by {}", name(actor)));
}

#[test]
fn with_it_and_without() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = super::traced() else {
        return Ok(());
    };
    Users.create(&mut session, new_user("ada"))?;
    session.with(Actor("root"), |session| {
        Users.create(session, new_user("grace"))
    })?;
    assert_eq!(
        trace.take(),
        [
            "ada by nobody",
            "stored by nobody",
            "grace by root",
            "stored by root"
        ]
    );
    assert_eq!(lback_tests::notes(&mut session), ["nobody", "root"]);
    Ok(())
}
