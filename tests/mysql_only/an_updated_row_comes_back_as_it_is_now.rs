//! An UPDATE that finds its row to be so already changes nothing, and a plain SELECT behind it sees what was
//! there when the transaction began. What comes back, and what receivers are told, is what is stored.

use lback_tests::{Trace, new_user};

use crate::database::*;

mod quiet {
    use super::*;

    own_users!();
}

own_users!();

#[receiver(user_post_update, after_commit)]
fn updated(user: &User, previous: &User, #[state] trace: &Trace) {
    trace.note(format!(
        "{} {}, was {}",
        user.email, user.is_active, previous.is_active
    ));
}

fn to(email: &str) -> UserChanges {
    UserChanges {
        email: Some(email.to_owned()),
        ..UserChanges::default()
    }
}

fn opened() -> Option<(Database, Session, Trace, Vec<User>)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let users =
        ["ada", "bob"].map(|name| quiet::Users.create(&mut session, new_user(name)).unwrap());
    Some((database, session, trace, users.into()))
}

/// Another has changed both before we do, and after our transaction has looked around.
fn meanwhile(database: &Database, session: &mut Session) -> lback::Result<()> {
    quiet::Users.count(session)?;
    diesel::update(users::table)
        .set((users::email.eq(users::username), users::is_active.eq(false)))
        .execute(&mut database.connection())?;
    Ok(())
}

fn told(rows: &[User]) -> Vec<(&str, bool)> {
    rows.iter()
        .map(|row| (row.email.as_str(), row.is_active))
        .collect()
}

#[test]
fn one_row() -> lback::Result<()> {
    let Some((database, mut session, trace, users)) = opened() else {
        return Ok(());
    };
    let email = "ada@example.com";
    let change = |session: &mut Session, is_heard: bool| {
        session.transaction(|session| {
            quiet::Users.update(session, &users[0], to("other@example.com"))?;
            Ok::<_, lback::Error>(())
        })?;
        session.transaction(|session| {
            quiet::Users.count(session)?;
            diesel::update(users::table.find(users[0].id))
                .set((users::email.eq(email), users::is_active.eq(false)))
                .execute(&mut database.connection())?;
            if is_heard {
                Users.update(session, &users[0], to(email))
            } else {
                quiet::Users.update(session, &users[0], to(email))
            }
        })
    };
    for is_heard in [false, true] {
        let row = change(&mut session, is_heard)?;
        assert_eq!(told(&[row]), [(email, false)], "heard {is_heard}");
    }
    assert_eq!(trace.take(), [format!("{email} false, was false")]);
    Ok(())
}

#[test]
fn many_rows() -> lback::Result<()> {
    for is_heard in [false, true] {
        let Some((database, mut session, trace, users)) = opened() else {
            return Ok(());
        };
        let inactive = UserChanges {
            is_active: Some(false),
            ..UserChanges::default()
        };
        let rows = session.transaction(|session| {
            meanwhile(&database, session)?;
            if is_heard {
                Users.update_many(session, &users, inactive.clone())
            } else {
                quiet::Users.update_many(session, &users, inactive.clone())
            }
        })?;
        assert_eq!(
            told(&rows),
            [("ada", false), ("bob", false)],
            "heard {is_heard}"
        );
        let heard = trace.take();
        assert!(
            heard.iter().all(|text| text.ends_with("false, was false")),
            "{heard:?}"
        );
    }
    Ok(())
}

#[test]
fn a_row_in_which_nothing_is_changed() -> lback::Result<()> {
    let Some((database, mut session, trace, users)) = opened() else {
        return Ok(());
    };
    let rows = session.transaction(|session| {
        meanwhile(&database, session)?;
        let one = Users.update(session, &users[0], UserChanges::default())?;
        let many = Users.update_many(session, &users[1..], UserChanges::default())?;
        lback::Result::Ok([vec![one], many].concat())
    })?;
    assert_eq!(told(&rows), [("ada", false), ("bob", false)]);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}
