//! The program: who hears what.

use lback::listing::{Problem, RegistryError};
use lback::sqlite::Database;
use lback::sqlite::{prelude::*, users::*};
use lback::testing::SkipReason;
use lback::{Error, ManualRegistry, manual_registry};
use lback_tests::{Trace, new_user};

/// A signal without a session, and so without a registry of its own.
#[signal]
pub(crate) struct Ping<'a> {
    /// Its only argument.
    pub(crate) trace: &'a Trace,
}

#[receiver(ping)]
fn answer(trace: &Trace) {
    trace.note("answer");
}

#[receiver(user_pre_create, order = 2)]
fn second(#[state] trace: &Trace) {
    trace.note("second");
}

#[receiver(user_pre_create, order = 1)]
#[receiver(user_post_create, after_commit)]
fn twice(signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("twice in {}", signal.name()));
}

#[receiver(user_pre_create)]
fn unnamed(#[state] trace: &Trace) {
    trace.note("unnamed");
}

pub(crate) fn run() -> String {
    let trace = Trace::new();
    let plain = outcome(Ping { trace: &trace }.send(), &trace);
    let program = created_in(lback::sqlite::connect(":memory:"));
    let by_hand = match manual_registry![second, twice] {
        Ok(registry) => format!(
            "by hand: {}\nby hand, in a pool: {}\nby hand, in scopes: {}\n",
            created_in(session_with(&registry)),
            created_in(pooled_with(&registry)),
            created_in_scopes_of(session_with(&registry)),
        ),
        Err(error) => format!("by hand: {}\n", described(&error)),
    };
    format!("plain: {plain}\nprogram: {program}\n{by_hand}")
}

fn session_with(registry: &ManualRegistry) -> lback::Result<Session> {
    Ok(lback::sqlite::connect(":memory:")?.with_registry(registry))
}

fn pooled_with(registry: &ManualRegistry) -> lback::Result<Session> {
    Database::builder()
        .with_registry(registry)
        .connect(":memory:")?
        .session()
}

fn created_in(session: lback::Result<Session>) -> String {
    created_by(session, |session| {
        UserRepository::new().create(session, new_user("ada"))
    })
}

fn created_in_scopes_of(session: lback::Result<Session>) -> String {
    created_by(session, |session| {
        let (created, recording) = session.record(|session| {
            session.mute(second, |session| {
                UserRepository::new().create(session, new_user("ada"))
            })
        });
        recording.assert_skipped(second, SkipReason::Muted);
        recording.assert_ran_times(twice, 2);
        created
    })
}

/// Who heard that a user was created.
fn created_by(
    session: lback::Result<Session>,
    create: impl FnOnce(&mut Session) -> lback::Result<User>,
) -> String {
    let trace = Trace::new();
    let created = session.and_then(|session| {
        let mut session = session.with_state(trace.clone());
        lback::sqlite::migrate(&mut session)?;
        create(&mut session)
    });
    outcome(created, &trace)
}

fn outcome<T>(result: lback::Result<T>, trace: &Trace) -> String {
    match result {
        Ok(_) => trace.take().join(", "),
        Err(Error::Registry(error)) => described(&error),
        Err(error) => panic!("{error}"),
    }
}

fn described(error: &RegistryError) -> String {
    match error.problems() {
        [Problem::ConstructorsDropped] => {
            assert!(error.to_string().contains("manual_registry!"), "{error}");
            "the constructors were dropped".into()
        }
        [Problem::NoReceiver { .. }, Problem::NoReceiver { .. }] => "no receivers".into(),
        _ => panic!("{error}"),
    }
}
