//! Once a row and transaction, however many writes there were, with its first before and its last
//! after; rows in the order of their first write; before the commit, and after it.

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
fn told(change: &Change<User>, user_id: UserId, session: &mut Session, #[state] trace: &Trace) {
    assert!(session.in_transaction());
    assert_eq!(change.either().id, user_id);
    trace.note(text(change));
}

#[receiver(user_changed, after_commit)]
fn stored_at_last(change: &Change<User>, session: &mut Session, #[state] trace: &Trace) {
    assert!(!session.in_transaction());
    trace.note(format!("after commit: {}", text(change)));
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

fn text(change: &Change<User>) -> String {
    match change {
        Change::Created(user) => format!("+{}", user.username),
        Change::Updated { before, after } => format!("{}>{}", before.username, after.username),
        Change::Deleted(user) => format!("-{}", user.username),
    }
}

fn rename(name: &str) -> UserChanges {
    UserChanges {
        username: Some(name.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn of_a_hundred_updates_the_first_before_and_the_last_after() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    assert_eq!(trace.take(), ["+ada", "created ada", "after commit: +ada"]);

    session.transaction(|session| {
        for number in 0..100 {
            Users.update(session, ada.id, rename(&format!("ada{number}")))?;
        }
        assert_eq!(trace.take(), [""; 0], "nothing is told before the end");
        lback::Result::Ok(())
    })?;

    assert_eq!(trace.take(), ["ada>ada99", "after commit: ada>ada99"]);
    Ok(())
}

#[test]
fn rows_in_the_order_of_their_first_write() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let one = Users.create(&mut session, new_user("one"))?;
    let two = Users.create(&mut session, new_user("two"))?;
    let three = Users.create(&mut session, new_user("three"))?;
    trace.take();

    session.transaction(|session| {
        Users.update(session, three.id, rename("drei"))?;
        Users.create(session, new_user("four"))?;
        Users.delete(session, one.id)?;
        Users.update(session, two.id, rename("zwei"))?;
        Users.update(session, three.id, rename("trois"))
    })?;

    assert_eq!(
        trace.take(),
        [
            "three>trois",
            "+four",
            "-one",
            "two>zwei",
            "created four",
            "after commit: three>trois",
            "after commit: +four",
            "after commit: -one",
            "after commit: two>zwei",
        ]
    );
    Ok(())
}

#[test]
fn an_operation_alone_is_a_transaction_too() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    Users.update(&mut session, &ada, rename("grace"))?;
    Users.delete(&mut session, &ada)?;
    let told = trace.take();
    let told: Vec<_> = told.iter().filter(|line| !line.contains(' ')).collect();
    assert_eq!(told, ["+ada", "ada>grace", "-grace"]);
    Ok(())
}

#[test]
fn bulk_writes_join_as_single_ones_do() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let team = Users.create_many(&mut session, ["one", "two", "three"].map(new_user))?;
    assert_eq!(trace.take()[..3], ["+one", "+two", "+three"]);

    session.transaction(|session| {
        Users.update(session, &team[1], rename("zwei"))?;
        let sleeping = UserChanges {
            is_active: Some(false),
            ..UserChanges::default()
        };
        Users.update_many(session, &team, sleeping)?;
        Users.delete_many(session, [&team[0], &team[1]])?;
        Users.create_many(session, ["four", "five"].map(new_user))
    })?;

    let told = trace.take();
    assert_eq!(told[..5], ["-two", "-one", "three>three", "+four", "+five"]);
    assert_eq!(stored(&mut session), ["three", "four", "five"]);
    Ok(())
}

#[test]
fn writes_by_a_condition_and_upserts_too() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    Users.create_many(&mut session, ["one", "two", "three"].map(new_user))?;
    trace.take();

    session.transaction(|session| {
        let upserted = |name: &str| users::username.eq(name.to_owned());
        Users.create_or_update(session, upserted("one"), new_user("one"), rename("eins"))?;
        Users.create_if_absent(session, upserted("two"), new_user("two"))?;
        Users.create_or_update(session, upserted("four"), new_user("four"), rename("vier"))?;
        let sleeping = UserChanges {
            is_active: Some(false),
            ..UserChanges::default()
        };
        assert_eq!(Users.update_where(session, upserted("three"), sleeping)?, 1);
        assert_eq!(Users.delete_where(session, upserted("two"))?, 1);
        lback::Result::Ok(())
    })?;

    assert_eq!(
        trace.take()[..4],
        ["one>eins", "+four", "three>three", "-two"]
    );
    Ok(())
}

#[test]
fn never_after_an_error_or_a_panic() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let failed: lback::Result<()> = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        Err(refused())
    });
    assert!(failed.is_err());
    panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            Users.create(session, new_user("ada"))?;
            panic!("planned")
        })
    });

    assert_eq!(trace.take(), [""; 0]);
    // And nothing of it is left for the next.
    Users.create(&mut session, new_user("grace"))?;
    assert_eq!(trace.take()[0], "+grace");
    Ok(())
}

#[test]
fn in_a_test_transaction_at_the_end_of_the_users_outermost() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = Session::for_test(database.connection())?.with_state(trace.clone());

    session.transaction(|session| {
        let ada = session.transaction(|session| Users.create(session, new_user("ada")))?;
        Users.update(session, ada.id, rename("grace"))
    })?;

    assert_eq!(
        trace.take(),
        ["+grace", "created ada", "after commit: +grace"]
    );
    Ok(())
}
