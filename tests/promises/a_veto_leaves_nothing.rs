//! No row, nothing that earlier receivers wrote, in the caller's transaction and outside one; and
//! the caller's transaction stays usable.

use crate::database::*;
use lback::Error;
use lback_tests::{count, new_user, note, notes};

own_users!();

#[receiver(user_pre_create, order = 1)]
fn write_first(data: &NewUser, conn: &mut Native) -> QueryResult<()> {
    note(conn, &data.username)
}

#[receiver(user_pre_create, order = 2)]
fn refuse_eve(data: &NewUser) -> Result<(), Veto> {
    if data.username.starts_with("eve") {
        return Err(Veto::new("eve may not register").field("username"));
    }
    Ok(())
}

#[test]
fn outside_a_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();

    let refused = Users.create(&mut session, new_user("eve"));

    let Err(Error::Vetoed {
        receiver,
        message,
        field,
        ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(receiver.signal.name(), "user_pre_create");
    assert!(receiver.id.ends_with("::refuse_eve"), "{}", receiver.id);
    assert_eq!(message, "eve may not register");
    assert_eq!(field.as_deref(), Some("username"));
    assert_eq!(count("users", &mut session), 0);
    assert_eq!(notes(&mut session), [""; 0]);
}

#[test]
fn inside_the_callers_transaction_which_goes_on() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();

    session
        .transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let refused = Users.create(session, new_user("eve"));
            assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
            Users.create(session, new_user("grace"))
        })
        .expect("a veto leaves the transaction usable");

    assert_eq!(notes(&mut session), ["ada", "grace"]);
    assert_eq!(count("users", &mut session), 2);
}
