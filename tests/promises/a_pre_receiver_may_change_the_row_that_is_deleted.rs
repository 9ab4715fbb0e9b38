//! What a pre receiver writes to the row that is about to be deleted is not taken for the work of another, and
//! whoever is told of the row afterwards is told how it was when it went.

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_pre_delete)]
fn close(user: &User, session: &mut Session) -> lback::Result<()> {
    let changes = UserChanges {
        email: Some(format!("gone.{}", user.email)),
        ..Default::default()
    };
    Users.update(session, user.id, changes)?;
    Ok(())
}

#[receiver(user_post_delete)]
fn deleted(user: &User, #[state] trace: &Trace) {
    trace.note(&user.email);
}

#[test]
fn alone_and_among_many() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let mut ids = Vec::new();
    for name in ["ada", "bob", "eve", "joe"] {
        let user = Users.create(&mut session, new_user(name));
        ids.push(user.expect("there is no such user").id);
    }

    let alone = Users.delete(&mut session, ids[0]);
    let together = Users.delete_many(&mut session, [ids[1], ids[2]]);
    let by_condition = Users.delete_where(&mut session, users::username.eq("joe"));

    alone.expect("nobody else has changed the row");
    together.expect("nobody else has changed the rows");
    by_condition.expect("nobody else has changed the row");
    let told = ["ada", "bob", "eve", "joe"].map(|name| format!("gone.{name}@example.com"));
    assert_eq!(trace.take(), told);
    assert!(crate::promises::stored(&mut session).is_empty());
}
