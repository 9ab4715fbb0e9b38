//! Created and deleted, changed and changed back: nothing has happened. A key that is used again was
//! updated, for the signal speaks of the table.

use super::{stored, traced};
use crate::database::*;
use lback::Validate;
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
#[receiver(user_changed, after_commit, id = "after")]
fn told(change: &Change<User>, #[state] trace: &Trace) {
    trace.note(format!("{:?}", change.after().map(|user| &user.username)));
}

diesel::table! {
    badges (code) {
        code -> Text,
        holder -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = badges, primary_key(code))]
pub(crate) struct Badge {
    code: String,
    holder: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = badges)]
pub(crate) struct BadgeChanges {
    code: Option<String>,
    holder: Option<String>,
}

impl Validate for Badge {}
impl Validate for BadgeChanges {}

own_repository!(
    Badges: entity = Badge,
    table = badges,
    insert = Badge,
    update = BadgeChanges,
    given_key = code,
    changes
);

#[receiver(badge_changed)]
fn told_of_badge(change: &Change<Badge>, badge_id: String, #[state] trace: &Trace) {
    let holder = |badge: Option<&Badge>| badge.map_or("nobody", |badge| &badge.holder).to_owned();
    let (before, after) = (holder(change.before()), holder(change.after()));
    let what = match change {
        Change::Created(_) => "created",
        Change::Updated { .. } => "updated",
        Change::Deleted(_) => "deleted",
    };
    trace.note(format!("{badge_id} {what}: {before} to {after}"));
}

fn badge(code: &str, holder: &str) -> Badge {
    Badge {
        code: code.to_owned(),
        holder: holder.to_owned(),
    }
}

fn with_badges() -> Option<(Database, Session, Trace)> {
    let (database, mut session, trace) = traced()?;
    let table =
        "CREATE TABLE badges (code VARCHAR(20) NOT NULL PRIMARY KEY, holder VARCHAR(20) NOT NULL)";
    diesel::sql_query(table)
        .execute(session.conn())
        .expect("the table is new");
    Some((database, session, trace))
}

#[test]
fn created_and_deleted_is_nothing() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    session.transaction(|session| {
        let ada = Users.create(session, new_user("ada"))?;
        Users.delete(session, &ada)
    })?;
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(stored(&mut session), [""; 0]);
    Ok(())
}

#[test]
fn a_change_back_is_nothing() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = with_badges() else {
        return Ok(());
    };
    Badges.create(&mut session, badge("a", "ada"))?;
    trace.take();
    let to = |holder: &str| BadgeChanges {
        holder: Some(holder.to_owned()),
        ..BadgeChanges::default()
    };
    session.transaction(|session| {
        Badges.update(session, "a", to("grace"))?;
        Badges.update(session, "a", to("ada"))
    })?;
    assert_eq!(trace.take(), [""; 0]);
    Badges.update(&mut session, "a", to("ada"))?;
    assert_eq!(trace.take(), [""; 0], "an update that changes nothing");
    Ok(())
}

#[test]
fn a_key_used_again_is_an_update() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = with_badges() else {
        return Ok(());
    };
    Badges.create(&mut session, badge("a", "ada"))?;
    trace.take();
    session.transaction(|session| {
        Badges.delete(session, "a")?;
        Badges.create(session, badge("a", "grace"))
    })?;
    assert_eq!(trace.take(), ["a updated: ada to grace"]);
    session.transaction(|session| {
        Badges.delete(session, "a")?;
        Badges.create(session, badge("a", "grace"))
    })?;
    assert_eq!(trace.take(), [""; 0], "it is as it was");
    Ok(())
}

#[test]
fn a_row_that_gets_another_key_is_another_row() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = with_badges() else {
        return Ok(());
    };
    Badges.create(&mut session, badge("a", "ada"))?;
    trace.take();
    // On MySQL a row is found again by its key.
    if NAME == "MySQL" {
        return Ok(());
    }
    let to = |code: &str| BadgeChanges {
        code: Some(code.to_owned()),
        ..BadgeChanges::default()
    };
    session.transaction(|session| {
        Badges.update(session, "a", to("b"))?;
        Badges.update(session, "b", to("c"))
    })?;
    assert_eq!(
        trace.take(),
        ["a deleted: ada to nobody", "c created: nobody to ada"]
    );
    Ok(())
}
