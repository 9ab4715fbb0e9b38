//! And one that names a receiver of another signal is no error.

use super::traced;
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, order = 3, before = second)]
fn first(#[state] trace: &Trace) {
    trace.note("first");
}

#[receiver(user_post_create, order = 2, before = third)]
fn second(#[state] trace: &Trace) {
    trace.note("second");
}

#[receiver(user_post_create, order = 1, after = elsewhere)]
fn third(#[state] trace: &Trace) {
    trace.note("third");
}

#[receiver(user_post_delete, before = first)]
fn elsewhere(#[state] trace: &Trace) {
    trace.note("elsewhere");
}

#[test]
fn first_before_third_because_of_the_second() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let ada = Users.create(&mut session, new_user("ada"))?;
    Users.delete(&mut session, &ada)?;

    lback::verify().expect("an order against another signal's receiver is no mistake");
    assert_eq!(trace.take(), ["first", "second", "third", "elsewhere"]);
    Ok(())
}
