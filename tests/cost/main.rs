//! One operation, over and over, for callgrind to count: `tests/cost/count` runs it.
//!
//! `lback-cost WHAT N` does `WHAT` N times; the instructions of one are the difference between two
//! runs, divided by the difference of their Ns.

use std::env::args;

use lback_cost::{Place, dispatch, sqlite};

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
    run(Place::MEMORY, times);
}

fn all() -> impl Iterator<Item = lback_cost::Work> {
    dispatch::ALL.iter().copied().chain(sqlite::all())
}
