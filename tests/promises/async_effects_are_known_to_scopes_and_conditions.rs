//! `async` receivers can be muted, have a `when`, are held back and listed by a capture, and noted by a
//! recording as queued; and the listing tells them from others.

use crate::database::*;
use crate::promises::asynchronous;
use lback::testing::Event;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, after_commit, id = "created")]
async fn created(user: &User, #[state] trace: &Trace) {
    trace.note(format!("created {}", user.username));
}

#[receiver(user_post_create, after_commit, when = |user: &User| user.username == "ada", id = "only ada")]
async fn only_ada(#[state] trace: &Trace) {
    trace.note("ada");
}

#[receiver(user_post_create, after_commit, id = "plain")]
fn plain() {}

fn traced_pool() -> Option<(Database, Trace, lback::Database<Native>)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let pool = lback::Database::builder()
        .with_state(trace.clone())
        .connect(&database.url())
        .expect("the server answers");
    Some((database, trace, pool))
}

#[test]
fn muted_they_do_not_run() -> lback::Result<()> {
    let Some((_database, trace, pool)) = traced_pool() else {
        return Ok(());
    };
    asynchronous().block_on(pool.run(|session| {
        session.mute(created, |session| Users.create(session, new_user("ada")))?;
        session.mute(user_post_create, |session| {
            Users.create(session, new_user("eve"))
        })
    }))?;
    assert_eq!(trace.take(), ["ada"]);
    Ok(())
}

#[test]
fn a_condition_is_asked_when_the_signal_is_sent() -> lback::Result<()> {
    let Some((_database, trace, pool)) = traced_pool() else {
        return Ok(());
    };
    asynchronous().block_on(pool.run(|session| Users.create(session, new_user("grace"))))?;
    assert_eq!(trace.take(), ["created grace"]);
    Ok(())
}

#[test]
fn a_capture_holds_them_back_and_needs_no_runtime() -> lback::Result<()> {
    let Some((database, trace, _pool)) = traced_pool() else {
        return Ok(());
    };
    let mut session = database.session().with_state(trace.clone());
    let (stored, captured) = session.capture(|session| Users.create(session, new_user("ada")));
    stored?;
    let listed = captured.effects.iter().filter_map(|effect| effect.receiver);
    let listed: Vec<_> = listed
        .map(|receiver| (receiver.id, receiver.is_async))
        .collect();
    assert_eq!(
        listed,
        [("created", true), ("only ada", true), ("plain", false)]
    );
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

#[test]
fn a_recording_notes_that_they_were_queued() -> lback::Result<()> {
    let Some((_database, trace, pool)) = traced_pool() else {
        return Ok(());
    };
    let recording = asynchronous().block_on(pool.run(|session| {
        let (stored, recording) = session.record(|session| Users.create(session, new_user("ada")));
        stored.map(|_| recording)
    }))?;
    let of_created = recording.events().iter().filter(|event| match event {
        Event::Queued(target) | Event::Ran(target) => target.0.id == "created",
        _ => false,
    });
    let of_created: Vec<_> = of_created.collect();
    assert!(
        matches!(of_created[..], [Event::Queued(_)]),
        "{of_created:?}"
    );
    assert_eq!(trace.take(), ["created ada", "ada"]);
    Ok(())
}

#[test]
fn the_listing_says_so() -> lback::Result<()> {
    let signal = format!("{}::user_post_create", module_path!());
    let listed = lback::receivers()?.of(&signal);
    let table = listed.to_string();
    let created = table.lines().find(|line| line.contains("  created  "));
    assert!(
        created.is_some_and(|line| line.contains("  after commit, async ")),
        "{table}"
    );
    let plain = table.lines().find(|line| line.contains("  plain  "));
    assert!(
        plain.is_some_and(|line| line.contains("  after commit  ")),
        "{table}"
    );
    let json = listed.to_json();
    assert_eq!(json.matches("\"async\": true").count(), 2, "{json}");
    assert_eq!(json.matches("\"async\": false").count(), 1, "{json}");
    Ok(())
}
