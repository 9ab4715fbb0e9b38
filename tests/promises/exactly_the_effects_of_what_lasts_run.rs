//! Whatever is nested in whatever, and however it ends: exactly the after-commit effects of the rows
//! that are in the database ran, exactly the after-rollback effects of the others, in order, once.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::database::*;
use lback::BoxError;
use lback::failure::FailureCause;
use lback_tests::effect_model::{End, MAX_GENERATIONS, Model, Node, Script, trees};
use lback_tests::{Trace, notes};

/// What the planned panics carry. They are raised past the panic hook, which would print each.
struct Planned;

/// A write, with all that its receivers and effects are to do.
#[signal]
pub(crate) struct RowWritten<'a> {
    pub(crate) id: u32,
    pub(crate) plan: &'a Arc<Plan>,
    pub(crate) session: &'a mut Session,
}

pub(crate) struct Plan {
    isolated: Script,
    nested: Script,
    effect: Script,
    lament: Script,
}

#[receiver(row_written, order = 1)]
fn write(id: u32, conn: &mut Native, #[state] trace: &Trace) -> QueryResult<()> {
    trace.note(format!("write {id}"));
    lback_tests::note(conn, &id.to_string())
}

#[receiver(row_written, order = 2, on_error = "isolate")]
fn isolated(plan: &Arc<Plan>, session: &mut Session) -> Result<(), BoxError> {
    run(session, &plan.isolated)
}

#[receiver(row_written, order = 3)]
fn nested(plan: &Arc<Plan>, session: &mut Session) -> Result<(), BoxError> {
    run(session, &plan.nested)
}

#[receiver(row_written, after_commit)]
fn stored(
    id: u32,
    plan: &Arc<Plan>,
    session: &mut Session,
    #[state] trace: &Trace,
) -> Result<(), BoxError> {
    trace.note(format!("stored {id}"));
    run(session, &plan.effect)
}

#[receiver(row_written, after_rollback)]
fn lost(
    id: u32,
    plan: &Arc<Plan>,
    session: &mut Session,
    #[state] trace: &Trace,
) -> Result<(), BoxError> {
    trace.note(format!("lost {id}"));
    run(session, &plan.lament)
}

fn run(session: &mut Session, script: &Script) -> Result<(), BoxError> {
    for node in &script.nodes {
        run_node(session, node)?;
    }
    match script.end {
        End::Ok => Ok(()),
        End::Error => Err("planned".into()),
        End::Panic => resume_unwind(Box::new(Planned)),
    }
}

fn run_node(session: &mut Session, node: &Node) -> Result<(), BoxError> {
    match node {
        Node::Transaction { inside, swallow } => swallowing(session, *swallow, |session| {
            session.transaction(|session| run(session, inside))
        }),
        Node::Write {
            id,
            isolated,
            nested,
            effect,
            lament,
            swallow,
        } => {
            let plan = Arc::new(Plan {
                isolated: isolated.clone(),
                nested: nested.clone(),
                effect: effect.clone(),
                lament: lament.clone(),
            });
            swallowing(session, *swallow, |session| {
                let (id, plan) = (*id, &plan);
                Ok(RowWritten { id, plan, session }.send()?)
            })
        }
        Node::OnCommit { id, effect } => {
            let (name, effect) = (format!("committed {id}"), effect.clone());
            session.on_commit(move |session: &mut Session| {
                trace(session).note(name);
                run(session, &effect)
            });
            Ok(())
        }
        Node::OnRollback { id, effect } => {
            let (name, effect) = (format!("rolled back {id}"), effect.clone());
            session.on_rollback(move |session: &mut Session| {
                trace(session).note(name);
                run(session, &effect)
            });
            Ok(())
        }
    }
}

fn swallowing(
    session: &mut Session,
    swallow: bool,
    work: impl FnOnce(&mut Session) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let result = catch_unwind(AssertUnwindSafe(|| work(&mut *session)));
    match ended(&result) {
        End::Ok => {}
        end if swallow => {
            trace(session).note(format!("swallowed {end:?}"));
            return Ok(());
        }
        End::Error | End::Panic => {}
    }
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

fn ended(result: &std::thread::Result<Result<(), BoxError>>) -> End {
    match result {
        Ok(Ok(())) => End::Ok,
        Ok(Err(_)) => End::Error,
        Err(panic) => {
            assert!(panic.is::<Planned>(), "an assertion failed");
            End::Panic
        }
    }
}

fn trace(session: &Session) -> &Trace {
    session.state().expect("every session has one")
}

fn traced_session(mut session: Session) -> Session {
    let trace = Trace::new();
    let failures = trace.clone();
    session = session.with_failure_handler(move |failure| {
        failures.note(match failure.cause {
            FailureCause::Panic(_) => "failure Panic",
            _ => "failure Error",
        });
    });
    session
        .with_state(trace)
        .with_max_generations(MAX_GENERATIONS)
        .with_max_depth(1_000)
}

/// Runs a tree on an empty database, and compares with the model.
fn compare(session: &mut Session, tree: &[Node]) -> Result<Model, TestCaseError> {
    diesel::sql_query("DELETE FROM notes")
        .execute(session.conn())
        .expect("the table is there");
    trace(session).take();

    for node in tree {
        let result = catch_unwind(AssertUnwindSafe(|| run_node(session, node)));
        let end = ended(&result);
        trace(session).note(format!("top {end:?}"));
    }

    let happened = trace(session).take();
    let rows: BTreeSet<u32> = notes(session)
        .iter()
        .map(|row| row.parse().expect("a number"))
        .collect();
    proptest::prop_assert!(!session.in_transaction(), "a transaction was left open");
    // First without the model: what lasted had its effect, what did not had its other one.
    proptest::prop_assert_eq!(
        &ids(&happened, "stored "),
        &counted(&rows),
        "effects of rows"
    );
    let lost = ids(&happened, "write ")
        .into_keys()
        .filter(|id| !rows.contains(id))
        .collect();
    proptest::prop_assert_eq!(
        &ids(&happened, "lost "),
        &counted(&lost),
        "effects of lost rows"
    );

    let mut model = Model::default();
    model.run(tree);
    proptest::prop_assert_eq!(&happened, &model.log, "what happened");
    proptest::prop_assert_eq!(&rows, &model.stored, "the rows that are left");
    Ok(model)
}

fn ids(log: &[String], kind: &str) -> BTreeMap<u32, u32> {
    let mut times = BTreeMap::new();
    for id in log.iter().filter_map(|line| line.strip_prefix(kind)) {
        *times.entry(id.parse().expect("a number")).or_default() += 1;
    }
    times
}

fn counted(rows: &BTreeSet<u32>) -> BTreeMap<u32, u32> {
    rows.iter().map(|row| (*row, 1)).collect()
}

/// What at least one tree in twenty must reach, or they prove little.
const KINDS: [&str; 13] = [
    "after commit",
    "after rollback",
    "commit",
    "effect of an effect",
    "failed savepoint",
    "failing effect",
    "isolated failure",
    "panicking effect",
    "panicking savepoint",
    "panicking transaction",
    "refused generation",
    "released savepoint",
    "rollback",
];

/// `LBACK_TREES` trees, or 10,000 where they are cheap.
fn cases() -> u32 {
    let told = std::env::var("LBACK_TREES").ok();
    let told = told.and_then(|cases| cases.parse().ok());
    told.unwrap_or(if NAME == "SQLite" { 10_000 } else { 300 })
}

fn run_trees(fresh: impl Fn() -> Session, cases: u32) {
    let session = RefCell::new(traced_session(fresh()));
    let (all, deep) = (Cell::new(0), Cell::new(0));
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let config = Config {
        cases,
        max_shrink_iters: 50_000,
        failure_persistence: None,
        ..Config::default()
    };

    TestRunner::new(config)
        .run(&trees(), |tree| {
            let compared = compare(&mut session.borrow_mut(), &tree);
            let model = compared.inspect_err(|_| {
                // What went wrong must not make smaller trees fail too.
                session.replace(traced_session(fresh()));
            })?;
            all.set(all.get() + 1);
            deep.set(deep.get() + u32::from(model.deepest >= 5));
            for kind in model.reached {
                *seen.borrow_mut().entry(kind).or_default() += 1;
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));

    let (seen, all, deep) = (seen.into_inner(), all.get(), deep.get());
    println!("{all} trees, {deep} of them five levels deep or deeper; {seen:#?}");
    if all < 1_000 {
        // Too few to say anything of shares.
        return;
    }
    for kind in KINDS {
        let times = seen.get(kind).copied().unwrap_or_default();
        assert!(times * 20 >= all, "{kind} in {times} of {all} trees only");
    }
    assert!(deep * 2 >= all, "only {deep} of {all} trees are deep");
}

#[test]
fn in_a_session() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let fresh = || {
        let mut session = database.session();
        if NAME == "SQLite" {
            diesel::sql_query("PRAGMA synchronous = OFF")
                .execute(session.conn())
                .expect("it is a known pragma");
        }
        session
    };
    run_trees(fresh, cases());
}

#[test]
fn in_a_test_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let fresh = || Session::for_test(database.connection()).expect("outside of transactions");
    run_trees(fresh, cases() / 4);
}
