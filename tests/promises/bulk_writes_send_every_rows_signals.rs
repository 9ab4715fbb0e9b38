//! All pre signals, then as few statements as the database allows, then all post signals, in row
//! order; atomic; results in the order of the input.

use crate::database::*;
use lback::Error;
use lback_tests::{Trace, count, new_user};

own_users!();

#[receiver(user_pre_create)]
fn about_to_create(data: &mut NewUser, #[state] trace: &Trace) -> Result<(), Veto> {
    trace.note(format!("pre {}", data.username));
    data.email = data.email.to_lowercase();
    if data.username == "eve" {
        return Err(Veto::new("eve may not register"));
    }
    Ok(())
}

#[receiver(user_post_create)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("post {}", user.username));
}

#[receiver(user_pre_update)]
fn about_to_update(user: &User, update_data: &mut UserChanges, #[state] trace: &Trace) {
    trace.note(format!("pre {}", user.username));
    if user.username == "bob" {
        update_data.email = Some("bob@elsewhere.example.com".to_owned());
    }
}

#[receiver(user_post_update)]
fn updated(user: &User, previous: &User, #[state] trace: &Trace) {
    trace.note(format!(
        "post {} {}->{} {}",
        user.username, previous.is_active, user.is_active, user.email
    ));
}

#[receiver(user_pre_delete, user_post_delete)]
fn deleted(user: &User, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("{} {}", signal.name(), user.username));
}

fn team() -> Vec<NewUser> {
    ["dan", "bob", "Ada"].map(new_user).into()
}

#[test]
fn create_many_keeps_the_order_of_the_input() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());

    let users = Users.create_many(&mut session, team()).unwrap();

    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["dan", "bob", "Ada"]);
    assert_eq!(users[2].email, "ada@example.com");
    assert_eq!(
        trace.take(),
        [
            "pre dan", "pre bob", "pre Ada", "post dan", "post bob", "post Ada"
        ]
    );
    for user in users {
        assert_eq!(Users.find(&mut session, user.id).unwrap(), Some(user));
    }
}

#[test]
fn a_veto_of_one_row_leaves_none() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());

    let refused = Users.create_many(&mut session, ["ada", "bob", "eve"].map(new_user));

    assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
    assert_eq!(count("users", &mut session), 0);
}

#[test]
fn update_many_lets_each_row_have_changes_of_its_own() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let users = Users.create_many(&mut session, team()).unwrap();
    trace.take();

    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    let targets = [users[2].id, users[1].id, users[2].id];
    let updated = Users.update_many(&mut session, targets, changes).unwrap();

    assert_eq!(updated.len(), 3);
    assert_eq!(updated[0], updated[2]);
    assert_eq!(updated[1].email, "bob@elsewhere.example.com");
    assert_eq!(
        trace.take(),
        [
            "pre Ada",
            "pre bob",
            "post Ada true->false ada@example.com",
            "post bob true->false bob@elsewhere.example.com"
        ]
    );
    assert!(
        Users
            .find(&mut session, users[0].id)
            .unwrap()
            .unwrap()
            .is_active
    );
}

#[test]
fn delete_many_deletes_all_or_none() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let users = Users.create_many(&mut session, team()).unwrap();
    trace.take();

    let missing = Users.delete_many(&mut session, [users[0].id, UserId::from(999)]);
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(Users.count(&mut session).unwrap(), 3);

    Users
        .delete_many(&mut session, [&users[1], &users[0]])
        .unwrap();
    assert_eq!(
        trace.take(),
        [
            "user_pre_delete bob",
            "user_pre_delete dan",
            "user_post_delete bob",
            "user_post_delete dan"
        ]
    );
    let left = Users.list(&mut session, lback::Page::new(0, 10)).unwrap();
    assert_eq!(left, [users[2].clone()]);
    assert!(!Users.exists(&mut session, users[0].id).unwrap());
    let found = Users
        .find_many(&mut session, [users[1].id, users[2].id])
        .unwrap();
    assert_eq!(found, [None, Some(users[2].clone())]);
}

#[test]
fn nothing_to_do_is_fine() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());
    let nobody: [UserId; 0] = [];

    assert_eq!(Users.create_many(&mut session, []).unwrap(), []);
    assert_eq!(
        Users
            .update_many(&mut session, nobody, UserChanges::default())
            .unwrap(),
        []
    );
    Users.delete_many(&mut session, nobody).unwrap();
}
