//! `get` gives the row, or an error that names it as a person would; look-ups of an application's own
//! make the same error, and Diesel's `NotFound` becomes it.

use super::traced;
use crate::database::*;
use lback::Error;
use lback_tests::new_user;

own_users!();

#[test]
fn by_get() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    let ada = Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(Users.get(&mut session, ada.id).unwrap().username, "ada");
    assert_eq!(Users.get(&mut session, &ada).unwrap().id, ada.id);
    Users.delete(&mut session, &ada).unwrap();

    let error = Users.get(&mut session, ada.id).unwrap_err();
    let Error::NotFound {
        entity: "user",
        key: Some(key),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*key, ada.id.to_string());
    assert_eq!(
        error.to_string(),
        format!("there is no user with key {}", ada.id)
    );
}

#[test]
fn by_an_application() {
    let error = Error::not_found("invoice", &UserId::from(9));
    assert_eq!(error.to_string(), "there is no invoice with key 9");
}

#[test]
fn by_diesel() {
    let Some((_database, mut session, _)) = traced() else {
        return;
    };
    let first = |session: &mut Session| -> lback::Result<String> {
        Ok(users::table.select(users::username).first(session.conn())?)
    };
    let error = first(&mut session).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFound {
                entity: "row",
                key: None,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "there is no such row");
    // And back again.
    let error = diesel::result::Error::from(error);
    assert_eq!(error, diesel::result::Error::NotFound);
}
