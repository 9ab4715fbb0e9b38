//! What a pre receiver changes is what is validated and stored.

use crate::database::*;
use lback::Error;
use lback_tests::new_user;

own_users!();

#[receiver(user_pre_create, order = 1)]
fn lower_case(data: &mut NewUser) {
    data.email = data.email.to_lowercase();
}

#[receiver(user_pre_create, order = 2)]
fn sees_what_the_one_before_did(data: &mut NewUser) {
    assert_eq!(data.email, data.email.to_lowercase());
    data.is_email_verified = data.email.ends_with("@trusted.example.com");
    if data.username == "shorten me" {
        data.username = "x".to_owned();
    }
}

#[receiver(user_pre_update)]
fn lower_case_again(update_data: &mut UserChanges) {
    if let Some(email) = &mut update_data.email {
        *email = email.to_lowercase();
    }
}

#[test]
fn in_a_create() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let mut new = new_user("ada");
    new.email = "Ada@Trusted.Example.COM".to_owned();

    let ada = Users.create(&mut session, new).expect("it is valid");

    assert_eq!(ada.email, "ada@trusted.example.com");
    assert!(ada.is_email_verified);
    let stored = Users.find(&mut session, &ada).expect("it can be read");
    assert_eq!(stored, Some(ada));
}

#[test]
fn in_an_update() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    let changes = UserChanges {
        email: Some("ADA@Elsewhere.Example.com".to_owned()),
        ..UserChanges::default()
    };

    let ada = Users.update(&mut session, &ada, changes).expect("valid");

    assert_eq!(ada.email, "ada@elsewhere.example.com");
    let stored = Users.find(&mut session, &ada).expect("it can be read");
    assert_eq!(stored, Some(ada));
}

#[test]
fn and_validation_comes_after_them() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();

    let refused = Users.create(&mut session, new_user("shorten me"));

    assert!(
        matches!(&refused, Err(Error::Invalid(invalid)) if invalid.field == "username"),
        "{refused:?}"
    );
}
