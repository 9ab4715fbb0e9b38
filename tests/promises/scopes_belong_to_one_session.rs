//! Two tests in parallel never meet.

use std::sync::Barrier;
use std::thread;

use super::traced;
use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create)]
fn audit(user: &User, #[state] trace: &Trace) {
    trace.note(format!("audit {}", user.username));
}

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

#[test]
fn in_parallel() {
    let (Some(first), Some(second)) = (traced(), traced()) else {
        return;
    };
    let (inside, done) = (Barrier::new(2), Barrier::new(2));

    thread::scope(|threads| {
        threads.spawn(|| {
            let (_database, mut session, trace) = first;
            let ((_, captured), recording) = session.record(|session| {
                session.mute(audit, |session| {
                    session.capture(|session| {
                        inside.wait();
                        Users
                            .create(session, new_user("ada"))
                            .expect("nobody refuses");
                        done.wait();
                    })
                })
            });
            recording.assert_sent_times(user_post_create, 1);
            recording.assert_not_ran(audit);
            captured.assert_pending_times(welcome, 1);
            assert_eq!(trace.take(), [""; 0]);
        });
        threads.spawn(|| {
            let (_database, mut session, trace) = second;
            inside.wait();
            Users
                .create(&mut session, new_user("grace"))
                .expect("nobody refuses");
            Users
                .create(&mut session, new_user("eve"))
                .expect("nobody refuses");
            done.wait();
            let expected = ["audit grace", "welcome grace", "audit eve", "welcome eve"];
            assert_eq!(trace.take(), expected);
        });
    });
}

#[test]
fn in_one_test() -> lback::Result<()> {
    let (Some((database, mut muted, trace)), Some(_)) = (traced(), traced()) else {
        return Ok(());
    };
    let mut loud = database.session().with_state(trace.clone());

    let ((), recording) = muted.record(|muted| {
        muted.mute_all(|muted| {
            Users
                .create(muted, new_user("ada"))
                .expect("nobody refuses");
            Users
                .create(&mut loud, new_user("grace"))
                .expect("nobody refuses");
        });
    });

    recording.assert_sent_times(user_post_create, 1);
    assert_eq!(trace.take(), ["audit grace", "welcome grace"]);
    Ok(())
}
