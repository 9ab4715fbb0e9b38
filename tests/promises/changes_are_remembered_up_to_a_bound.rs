//! So many rows a transaction, however often each is written; one more is refused before it is written,
//! with an error that says what to do.

use super::{stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_repository!(
    Users: entity = lback::User,
    table = lback::schema::users,
    insert = lback::NewUser,
    update = lback::UserChanges,
    shared_entity,
    changes
);

#[receiver(user_changed)]
fn told(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(&change.either().username);
}

fn rename(name: &str) -> UserChanges {
    UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn a_row_too_many_is_refused() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_max_changes(4);
    session.transaction(|session| {
        let team = Users.create_many(session, ["one", "two", "three"].map(new_user))?;
        // A row is remembered once.
        for number in 0..20 {
            Users.update(
                session,
                team[number % 3].id,
                rename(&format!("number{number}")),
            )?;
        }
        Users.create(session, new_user("four"))?;
        match Users.create(session, new_user("five")) {
            Err(error @ Error::TooManyChanges { limit: 4, .. }) => {
                assert!(error.to_string().contains("split it"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        // The transaction goes on, and what nobody hears is not remembered.
        session.mute(user_changed, |session| {
            Users.create(session, new_user("muted"))
        })
    })?;
    assert_eq!(trace.take(), ["number18", "number19", "number17", "four"]);
    assert_eq!(stored(&mut session).len(), 5);

    let refused = Users.create_many(
        &mut session,
        ["a", "b", "c", "d", "e"].map(|it| new_user(&format!("user.{it}"))),
    );
    assert!(
        matches!(refused, Err(Error::TooManyChanges { .. })),
        "{refused:?}"
    );
    Ok(())
}
