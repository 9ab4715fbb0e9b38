//! A subscriber of `tracing` gets one span for each call of a receiver, in the transaction, after the commit and
//! `async`: it names signal, receiver and phase, and an event inside it says how it went.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, id = "span.plain")]
fn plain(_user: &User, #[state] trace: &Trace) {
    trace.note("plain");
}

#[receiver(user_post_create, after_commit, id = "span.effect", order = 1)]
fn effect(_user: &User) -> Result<(), String> {
    Err("no letter".into())
}

#[receiver(user_post_create, after_commit, id = "span.async", order = 2)]
async fn asynchronous(_user: &User, #[state] trace: &Trace) {
    tokio::task::yield_now().await;
    trace.note("async");
}

/// The spans, and what was told inside of each.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    inside: Arc<AtomicU64>,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() != "microseconds" {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "lback"
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        let mut lines = self.lines.lock().unwrap();
        lines.push(format!("span{}", fields.0));
        span::Id::from_u64(lines.len() as u64)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let mut lines = self.lines.lock().unwrap();
        match usize::try_from(self.inside.load(Ordering::Relaxed)) {
            Ok(span) if span > 0 => {
                let line = format!("{}:{}", lines[span - 1], fields.0);
                lines.push(line);
            }
            _ => lines.push(format!("outside:{}", fields.0)),
        }
    }

    fn enter(&self, span: &span::Id) {
        self.inside.store(span.into_u64(), Ordering::Relaxed);
    }

    fn exit(&self, _: &span::Id) {
        self.inside.store(0, Ordering::Relaxed);
    }
}

#[test]
fn with_what_became_of_it() {
    if Database::empty().is_none() {
        return;
    }
    let name = concat!(module_path!(), "::in_a_process_of_its_own");
    let (_, name) = name.split_once("::").expect("the binary's name is first");
    let output = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", name, "--ignored"])
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

/// `tracing` keeps for the whole process whether a place in the code is of interest, and may miss one that another
/// test's thread comes to for the first time while the subscriber is installed.
#[test]
#[ignore = "the test above runs it"]
fn in_a_process_of_its_own() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let (log, trace) = (Log::default(), Trace::new());
    // What is spawned on it is polled by this thread, which has the subscriber.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("it needs nothing");
    let mut session = database
        .session()
        .with_state(trace.clone())
        .with_runtime(runtime.handle().clone());
    tracing::subscriber::with_default(log.clone(), || -> lback::Result<()> {
        Users.create(&mut session, new_user("ada"))?;
        assert_eq!(trace.take(), ["plain"]);
        runtime.block_on(async {
            while trace.take() != ["async"] {
                tokio::task::yield_now().await;
            }
        });
        Ok(())
    })?;
    let lines = log.lines.lock().unwrap();
    let of = |id: &str| -> Vec<&str> {
        let own = lines.iter().filter(|line| line.contains(id));
        own.filter_map(|line| line.split_once("phase=").map(|(_, rest)| rest))
            .collect()
    };
    assert_eq!(
        of("span.plain"),
        [
            "in transaction",
            "in transaction: message=a receiver has run outcome=\"ok\""
        ]
    );
    assert_eq!(of("span.effect").len(), 2, "{lines:?}");
    assert_eq!(of("span.async").len(), 2, "{lines:?}");
    Ok(())
}
