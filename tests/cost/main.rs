//! One operation, over and over, for callgrind to count: `tests/cost/count` runs it.
//!
//! `lback-cost WHAT N` does `WHAT` N times; the instructions of one are the difference between two
//! runs, divided by the difference of their Ns.

// Each variant stands here as its users would write it.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs, unreachable_pub)]

mod dispatch;
mod operation;
mod rivals;

use std::env::args;

fn main() {
    let mut args = args().skip(1);
    let (Some(what), Some(times)) = (args.next(), args.next()) else {
        for (name, _) in all() {
            println!("{name}");
        }
        return;
    };
    let times: usize = times.parse().expect("a number");
    let (_, run) = all()
        .find(|(name, _)| *name == what)
        .unwrap_or_else(|| panic!("there is no `{what}`"));
    run(times);
}

type Run = fn(usize);

fn all() -> impl Iterator<Item = (&'static str, Run)> {
    dispatch::ALL
        .iter()
        .chain(operation::ALL)
        .chain(rivals::ALL)
        .copied()
}
