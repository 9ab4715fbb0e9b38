//! In rounds, until nothing is left: a row that was told already is told again what changed since, and
//! after the commit the whole, once. More rounds than the bound are an error with the chain.

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
fn told(
    change: &Change<User>,
    user_id: UserId,
    session: &mut Session,
    #[state] trace: &Trace,
) -> lback::Result<()> {
    let name = |user: Option<&User>| user.map_or("", |user| &user.username).to_owned();
    let (before, after) = (name(change.before()), name(change.after()));
    trace.note(format!("{before}>{after}"));
    if after == "leader" {
        Users.create(session, new_user("follower"))?;
    }
    // Counts itself down to nothing.
    if let Some(number) = after.strip_prefix("count") {
        let number: u32 = number.parse().expect("a number");
        if number > 0 {
            Users.update(session, user_id, rename(&format!("count{}", number - 1)))?;
        }
    }
    Ok(())
}

#[receiver(user_changed, after_commit)]
fn whole(change: &Change<User>, #[state] trace: &Trace) {
    let name = |user: Option<&User>| user.map_or("", |user| &user.username).to_owned();
    trace.note(format!(
        "whole {}>{}",
        name(change.before()),
        name(change.after())
    ));
}

fn rename(name: &str) -> UserChanges {
    UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn other_rows_afterwards() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    Users.create_many(&mut session, ["leader", "other"].map(new_user))?;
    assert_eq!(
        trace.take(),
        [
            ">leader",
            ">other",
            ">follower",
            "whole >leader",
            "whole >other",
            "whole >follower"
        ]
    );
    Ok(())
}

#[test]
fn a_row_told_already_what_changed_since() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    Users.create(&mut session, new_user("count3"))?;
    assert_eq!(
        trace.take(),
        [
            ">count3",
            "count3>count2",
            "count2>count1",
            "count1>count0",
            "whole >count0"
        ]
    );
    assert_eq!(stored(&mut session), ["count0"]);
    Ok(())
}

#[test]
fn up_to_a_bound() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    // Sixteen rounds.
    let user = Users.create(&mut session, new_user("count15"))?;
    assert_eq!(trace.take().len(), 17);
    Users.delete(&mut session, user.id)?;

    let refused = Users.create(&mut session, new_user("count16"));
    let Err(error) = refused else {
        panic!("it is bounded");
    };
    assert!(error.to_string().contains("more than 16 rounds"), "{error}");
    match &error {
        Error::ChangeLoop { limit, chain, .. } => {
            assert_eq!(*limit, 16);
            assert_eq!(chain.len(), 16);
            assert!(chain.iter().all(|link| link.id.ends_with("::told")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn the_bound_can_be_set() -> lback::Result<()> {
    let Some((_database, session, trace)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_max_rounds(2);
    let user = Users.create(&mut session, new_user("count1"))?;
    assert_eq!(trace.take(), [">count1", "count1>count0", "whole >count0"]);
    Users.delete(&mut session, user.id)?;
    let refused = Users.create(&mut session, new_user("count2"));
    assert!(matches!(refused, Err(Error::ChangeLoop { limit: 2, .. })));

    // Work that does not cause itself is not counted.
    session.transaction(|session| {
        for number in 0..10 {
            session.before_commit(move |session: &mut Session| {
                Users
                    .create(session, new_user(&format!("number{number}")))
                    .map(drop)
            });
        }
        lback::Result::Ok(())
    })?;
    assert_eq!(stored(&mut session).len(), 10);
    Ok(())
}
