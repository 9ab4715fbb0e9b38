//! Exactly its own: a row that was written twice, and the second time undone, has the value between.

use super::{panic_of, refused, stored, traced};
use crate::database::*;
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
    let name = |user: Option<&User>| user.map_or("", |user| &user.username).to_owned();
    trace.note(format!(
        "{}>{}",
        name(change.before()),
        name(change.after())
    ));
}

#[receiver(user_post_update, when = |user: &User| user.username == "refused")]
fn refuse() -> Result<(), Veto> {
    Err(Veto::new("after the statement"))
}

fn rename(name: &str) -> UserChanges {
    UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn the_value_between_is_the_last() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("first"))?;
    trace.take();

    session.transaction(|session| {
        Users.update(session, user.id, rename("between"))?;
        let undone: lback::Result<()> = session.transaction(|session| {
            Users.update(session, user.id, rename("last"))?;
            Err(refused())
        });
        assert!(undone.is_err());
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["first>between"]);
    assert_eq!(stored(&mut session), ["between"]);
    Ok(())
}

#[test]
fn with_all_that_was_released_into_it() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("first"))?;
    trace.take();

    session.transaction(|session| {
        let undone: lback::Result<()> = session.transaction(|session| {
            session.transaction(|session| Users.delete(session, user.id))?;
            session.transaction(|session| Users.create(session, new_user("other")))?;
            Err(refused())
        });
        assert!(undone.is_err());
        session.transaction(|session| Users.update(session, user.id, rename("kept")))
    })?;

    assert_eq!(trace.take(), ["first>kept"]);
    Ok(())
}

#[test]
fn an_operation_that_fails_after_its_statement_has_changed_nothing() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let user = Users.create(&mut session, new_user("first"))?;
    trace.take();

    session.transaction(|session| {
        assert!(Users.update(session, user.id, rename("refused")).is_err());
        Users.create(session, new_user("second"))
    })?;

    assert_eq!(trace.take(), [">second"]);
    Ok(())
}

#[test]
fn a_panic_that_is_caught_outside_of_it_is_like_an_error() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    session.transaction(|session| {
        Users.create(session, new_user("one"))?;
        panic_of(|| {
            session.transaction(|session| -> lback::Result<()> {
                Users.create(session, new_user("two"))?;
                panic!("in the savepoint")
            })
        });
        Users.create(session, new_user("three"))
    })?;

    assert_eq!(trace.take(), [">one", ">three"]);
    Ok(())
}
