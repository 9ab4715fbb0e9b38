//! Each operation is tried once for each call that SQLite makes of the disk, and that call fails: an
//! error of input or output, one that is reported though it was done, a write that is torn, a disk
//! that is full, a lock that is taken. Whatever was said is true afterwards.

use std::collections::BTreeMap;

use lback_tests::trial::{Hearers, Operation, Program, programs};
use lback_tests_disk::{Fault, Lasting};

use super::{Bench, Journal};

fn try_everything(journal: Journal, programs: impl IntoIterator<Item = Program>) {
    let bench = Bench::new(journal);
    let (mut runs, mut lies) = (0, BTreeMap::<String, Vec<String>>::new());
    for program in programs {
        for fault in Fault::ALL {
            for lasting in Lasting::ALL {
                if lasting == Lasting::UntilRepaired && matches!(fault, Fault::Late | Fault::Torn) {
                    // What comes after is as if it were not done, which `Error` shows.
                    continue;
                }
                for number in 1.. {
                    let Some(judged) = bench.run(&program, number, fault, lasting) else {
                        break;
                    };
                    runs += 1;
                    if let Err(lie) = judged {
                        let kind = format!("{program}, {fault:?} {lasting:?}");
                        lies.entry(kind).or_default().push(lie);
                    }
                }
            }
        }
    }
    println!("{journal:?}: {runs} runs");
    for (kind, lies) in &lies {
        println!("{} lies: {kind}, {}\n", lies.len(), lies[0]);
    }
    let count: usize = lies.values().map(Vec::len).sum();
    assert_eq!(count, 0, "lies in {runs} runs");
    assert!(runs > 1_000, "too few calls were made to fail: {runs}");
}

#[test]
fn with_a_write_ahead_log() {
    try_everything(Journal::Wal, programs());
}

/// What effects and isolated receivers show, they show with the log.
#[test]
fn with_a_rollback_journal() {
    let programs = programs()
        .into_iter()
        .filter(|program| matches!(program.hearers, Hearers::Nobody | Hearers::Writers));
    try_everything(Journal::Delete, programs);
}

/// Pages are written, and locks taken, in the middle of a transaction too.
#[test]
fn with_a_rollback_journal_and_hardly_a_cache() {
    use Operation::{Create, Delete, UpdateMany};
    let programs = programs().into_iter().filter(|program| {
        program.hearers == Hearers::Writers
            && program.name != "alone"
            && matches!(program.operation, Create(_) | UpdateMany | Delete)
    });
    try_everything(Journal::DeleteWithoutCache, programs);
}
