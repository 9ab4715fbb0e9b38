//! Before any receiver runs, for effects too; not when the effect would run.

use super::traced;
use crate::database::*;
use lback::testing::SkipReason;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_pre_create, order = -1)]
fn rename(data: &mut NewUser) {
    data.username = data.username.replace("before", "after");
}

#[receiver(user_pre_create, when = |data: &NewUser| data.username == "before")]
fn was_before(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("was before, is {}", data.username));
}

#[receiver(user_post_update, after_commit, when = |update_data: &UserChanges| update_data.is_active == Some(false))]
fn deactivated(user: &User, #[state] trace: &Trace) {
    trace.note(format!("deactivated {}", user.username));
}

#[receiver(user_post_update, when = |user: &User, previous: &User| user.email != previous.email)]
fn moved(user: &User, #[state] trace: &Trace) {
    trace.note(format!("moved {}", user.username));
}

#[test]
fn what_a_receiver_changes_does_not_count() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    Users.create(&mut session, new_user("before"))?;
    Users.create(&mut session, new_user("other"))?;

    assert_eq!(trace.take(), ["was before, is after"]);
    Ok(())
}

#[test]
fn what_happens_later_does_not_count() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };
    let active = |is_active| UserChanges {
        is_active: Some(is_active),
        ..Default::default()
    };

    let (done, recording) = session.record(|session| {
        session.transaction(|session| {
            let ada = Users.create(session, new_user("ada"))?;
            Users.update(session, &ada, active(false))?;
            Users.update(session, &ada, active(true)).map(drop)
        })
    });

    done?;
    assert_eq!(trace.take(), ["deactivated ada"]);
    recording.assert_ran_times(deactivated, 1);
    recording.assert_skipped(deactivated, SkipReason::When);
    recording.assert_skipped(moved, SkipReason::When);
    Ok(())
}
