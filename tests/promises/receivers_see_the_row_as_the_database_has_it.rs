//! Post receivers see the row as stored, with its key and defaults; `previous` and `user` are the
//! row in the database, whatever the caller holds.

use std::sync::{Arc, Mutex};

use crate::database::*;
use lback_tests::new_user;

own_users!();

/// What the receivers were given.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(&'static str, User)>>>);

impl Seen {
    fn take(&self) -> Vec<(&'static str, User)> {
        std::mem::take(&mut self.0.lock().expect("nobody panics"))
    }

    fn add(&self, what: &'static str, user: &User) {
        let mut seen = self.0.lock().expect("nobody panics");
        seen.push((what, user.clone()));
    }
}

#[receiver(user_post_create)]
fn created(user: &User, #[state] seen: &Seen, conn: &mut Native) -> QueryResult<()> {
    let stored = users::table
        .find(user.id)
        .select(User::as_select())
        .get_result(conn)?;
    assert_eq!(*user, stored, "what a receiver sees is what is stored");
    seen.add("created", user);
    Ok(())
}

#[receiver(user_pre_update)]
fn updating(user: &User, #[state] seen: &Seen) {
    seen.add("updating", user);
}

#[receiver(user_post_update)]
fn updated(
    user: &User,
    previous: &User,
    update_data: &UserChanges,
    #[state] seen: &Seen,
    conn: &mut Native,
) -> QueryResult<()> {
    let stored = users::table
        .find(user.id)
        .select(User::as_select())
        .get_result(conn)?;
    assert_eq!(*user, stored, "what a receiver sees is what is stored");
    assert_eq!(update_data.email.as_ref(), Some(&user.email));
    seen.add("previous", previous);
    seen.add("updated", user);
    Ok(())
}

#[receiver(user_pre_delete)]
fn deleting(user: &User, #[state] seen: &Seen) {
    seen.add("deleting", user);
}

#[receiver(user_post_delete)]
fn deleted(
    user: &User,
    user_id: UserId,
    #[state] seen: &Seen,
    conn: &mut Native,
) -> QueryResult<()> {
    assert_eq!(user_id, user.id);
    let left: i64 = users::table.find(user_id).count().get_result(conn)?;
    assert_eq!(left, 0, "the row is gone by then");
    seen.add("deleted", user);
    Ok(())
}

fn email(address: &str) -> UserChanges {
    UserChanges {
        email: Some(address.to_owned()),
        ..UserChanges::default()
    }
}

#[test]
fn after_a_create() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let seen = Seen::default();
    let mut session = database.session().with_state(seen.clone());
    let mut new = new_user("  ada ");
    new.email = "ada@example.com".to_owned();
    new.auth_token = Some(Secret::from("token"));

    let ada = Users.create(&mut session, new).expect("it is valid");

    assert!(i64::from(ada.id) > 0);
    assert_eq!(ada.username, "ada", "as trimmed");
    assert_eq!(ada.created_at, ada.updated_at);
    assert_eq!(ada.auth_token, Some(Secret::from("token")));
    assert_eq!(ada.token_expiry, None);
    assert_eq!(seen.take(), [("created", ada)]);
}

#[test]
fn around_an_update_with_a_stale_copy() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let seen = Seen::default();
    let mut session = database.session().with_state(seen.clone());
    let stale = Users.create(&mut session, new_user("ada")).expect("valid");
    diesel::update(users::table.find(stale.id))
        .set((users::username.eq("countess"), users::is_active.eq(false)))
        .execute(session.conn())
        .expect("the row is there");
    let row = Users.find(&mut session, stale.id).expect("readable");
    let row = row.expect("the row is there");
    assert_ne!(stale, row);
    seen.take();

    let updated = Users
        .update(&mut session, &stale, email("new@example.com"))
        .expect("it is valid");

    assert_eq!(
        updated.username, "countess",
        "the stale copy changes nothing"
    );
    assert!(!updated.is_active);
    assert_eq!(updated.email, "new@example.com");
    assert!(updated.updated_at >= row.updated_at);
    assert_eq!(
        seen.take(),
        [
            ("updating", row.clone()),
            ("previous", row),
            ("updated", updated)
        ]
    );
}

#[test]
fn around_an_update_by_key() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let seen = Seen::default();
    let mut session = database.session().with_state(seen.clone());
    let ada = Users.create(&mut session, new_user("ada")).expect("valid");
    seen.take();

    let updated = Users
        .update(&mut session, ada.id, email("new@example.com"))
        .expect("it is valid");

    assert_eq!(
        seen.take(),
        [
            ("updating", ada.clone()),
            ("previous", ada),
            ("updated", updated)
        ]
    );
}

#[test]
fn around_a_delete_with_a_stale_copy_and_by_key() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let seen = Seen::default();
    let mut session = database.session().with_state(seen.clone());
    for by_key in [false, true] {
        let stale = Users.create(&mut session, new_user("ada")).expect("valid");
        diesel::update(users::table.find(stale.id))
            .set(users::username.eq("countess"))
            .execute(session.conn())
            .expect("the row is there");
        let row = Users.find(&mut session, stale.id).expect("readable");
        let row = row.expect("the row is there");
        seen.take();

        let deleted = if by_key {
            Users.delete(&mut session, stale.id)
        } else {
            Users.delete(&mut session, &stale)
        };

        deleted.expect("the row is there");
        assert_eq!(seen.take(), [("deleting", row.clone()), ("deleted", row)]);
    }
}
