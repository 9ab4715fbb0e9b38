//! Signals, receivers, their order, and why one did not run; and what fails to be so is said
//! readably.

use super::{panic_of, traced};
use crate::database::*;
use expect_test::expect;
use lback::testing::{Event, Recording, SkipReason};
use lback_tests::new_user;

own_users!();

#[receiver(user_pre_create, id = "lower_case")]
fn lower_case(data: &mut NewUser) {
    data.email = data.email.to_lowercase();
}

#[receiver(user_pre_create, order = 1, id = "refuse")]
fn refuse(data: &NewUser) -> Result<(), Veto> {
    match data.username.as_str() {
        "eve" => Err(Veto::new("not eve")),
        _ => Ok(()),
    }
}

#[receiver(user_post_create, id = "profile", when = |user: &User| user.username != "ada")]
fn profile(_user: &User) {}

#[receiver(user_post_create, order = 1, on_error = "isolate", id = "count")]
fn count(_user: &User) -> Result<(), String> {
    Err("no counter".to_owned())
}

#[receiver(user_post_create, after_commit, id = "welcome")]
fn welcome(_user: &User) {}

#[receiver(user_post_create, after_commit, order = 1, id = "push")]
fn push(_user: &User) {
    panic!("no network")
}

#[receiver(user_pre_delete, user_post_delete, id = "leaving")]
fn leaving(signal: &SignalInfo) {
    assert!(signal.name().ends_with("delete"));
}

#[receiver(user_pre_create, after_rollback, id = "attempted")]
fn attempted(_data: &NewUser) {}

fn recorded(name: &str) -> Option<Recording> {
    let (_database, mut session, _) = traced()?;
    let (_, recording) = session.record(|session| Users.create(session, new_user(name)));
    Some(recording)
}

#[test]
fn all_of_it_as_text() {
    let Some(recording) = recorded("ada") else {
        return;
    };

    expect![[r"
        user_pre_create sent
        attempted queued, after rollback
        lower_case ran
        refuse ran
        user_post_create sent
        welcome queued, after commit
        push queued, after commit
        profile skipped by `when`
        count failed: no counter
        welcome ran, after commit
        push failed, after commit: it panicked: no network
    "]]
    .assert_eq(&recording.to_string());
}

#[test]
fn as_events_that_can_be_compared() {
    let (Some(one), Some(again)) = (recorded("ada"), recorded("ada")) else {
        return;
    };
    assert_eq!(one.events(), again.events());
    let ran: Vec<_> = one
        .events()
        .iter()
        .filter(|it| matches!(it, Event::Ran(_)))
        .collect();
    let [lower, refused, welcomed] = ran[..] else {
        panic!("{ran:?}");
    };
    assert!(lower != refused && refused != welcomed && lower != welcomed);
}

/// One function that listens to two signals has one id.
#[test]
fn a_receiver_of_two_signals_is_two() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };
    let ada = Users.create(&mut session, new_user("ada"))?;
    let (done, recording) = session.record(|session| Users.delete(session, ada.id));
    done?;
    let ran: Vec<_> = recording
        .events()
        .iter()
        .filter(|it| matches!(it, Event::Ran(_)))
        .collect();
    let [before, after] = ran[..] else {
        panic!("{ran:?}");
    };
    assert_ne!(before, after);
    Ok(())
}

#[test]
fn a_veto() {
    let Some(recording) = recorded("eve") else {
        return;
    };

    assert_eq!(recording.assert_failed(refuse), "not eve");
    recording.assert_not_sent(user_post_create);
    recording.assert_not_ran(welcome);
    recording
        .in_order()
        .queued(attempted)
        .failed(refuse)
        .ran(attempted);
}

#[test]
fn what_holds() {
    let Some(recording) = recorded("ada") else {
        return;
    };

    recording.assert_sent(user_pre_create);
    recording.assert_sent_times(user_post_create, 1);
    recording.assert_not_sent(user_post_delete);
    recording.assert_ran(lower_case);
    recording.assert_ran(welcome);
    recording.assert_ran_times(push, 1);
    recording.assert_not_ran(profile);
    recording.assert_not_ran(attempted);
    recording.assert_queued(attempted);
    recording.assert_skipped(profile, SkipReason::When);
    assert_eq!(recording.assert_failed(count), "no counter");
    assert_eq!(recording.times_sent(user_post_create), 1);
    assert_eq!(recording.times_ran(count), 1);
    recording
        .in_order()
        .sent(user_pre_create)
        .ran(lower_case)
        .sent(user_post_create)
        .skipped(profile, SkipReason::When)
        .failed(count)
        .ran(welcome);
}

#[test]
fn muted_is_not_the_same_as_when() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };

    let (done, recording) = session.record(|session| {
        session.mute(lower_case, |session| Users.create(session, new_user("ada")))
    });

    done?;
    recording.assert_skipped(lower_case, SkipReason::Muted);
    recording.assert_not_ran(lower_case);
    Ok(())
}

#[test]
fn what_does_not_hold_is_said() {
    let Some(recording) = recorded("eve") else {
        return;
    };

    let happened = "What happened:\n  user_pre_create sent\n  attempted queued, after rollback\n  \
                    lower_case ran\n  refuse failed: not eve\n  attempted ran, after rollback";
    let path = concat!(module_path!(), "::");
    let said: [(&str, &dyn Fn()); 9] = [
        ("`user_post_create` was not sent", &|| {
            recording.assert_sent(user_post_create)
        }),
        ("`user_pre_create` was sent once", &|| {
            recording.assert_not_sent(user_pre_create)
        }),
        ("`user_pre_create` was sent once and not 2 times", &|| {
            recording.assert_sent_times(user_pre_create, 2);
        }),
        ("signals were sent", &|| recording.assert_nothing_sent()),
        ("`welcome` was not run", &|| recording.assert_ran(welcome)),
        ("`lower_case` ran once", &|| {
            recording.assert_not_ran(lower_case)
        }),
        ("`lower_case` was not failed", &|| {
            recording.assert_failed(lower_case);
        }),
        ("`refuse` failed: not found", &|| {
            recording.in_order().failed(refuse).failed(refuse);
        }),
        ("`lower_case` run: not found after `attempted` run", &|| {
            recording.in_order().ran(attempted).ran(lower_case);
        }),
    ];
    for (expected, assertion) in said {
        let message = panic_of(assertion).replace(path, "");
        assert!(message.starts_with(expected), "{message}");
        assert!(message.ends_with(happened), "{message}");
    }
}

#[test]
fn nothing_can_be_said_of_what_is_no_receiver() {
    let message = panic_of(|| Recording::default().assert_not_ran(recorded));

    assert!(message.contains("::recorded` is no receiver"), "{message}");
}

#[signal]
struct LightWentOut<'a> {
    room: &'a str,
    session: &'a mut Session,
}

/// Also what nobody listens to.
#[test]
fn a_signal_without_receivers() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };
    let (sent, recording) = session.record(|session| {
        let room = "hall";
        LightWentOut { room, session }.send()
    });
    sent?;
    recording.assert_sent_times(light_went_out, 1);
    Ok(())
}
