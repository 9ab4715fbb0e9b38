//! The ledger alone, against a database of a few lines: random sequences of begin, end,
//! failure with each standing, panic at each point, and effect.
//!
//! `toy` is the database, `driver` does what the files beside the ledger do with a real one, and
//! `tape` makes sequences of bytes. What must hold after each outermost end is in [`Book::settle`].

mod answers;
mod driver;
mod journal;
mod tape;
mod toy;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use self::tape::{Tape, play};

/// How many sequences are run; each is some ten microseconds. Where nobody asked for another number, a million in
/// CI, and fewer for somebody who waits.
fn sequences() -> u64 {
    let usual = match std::env::var_os("CI") {
        Some(_) => 1_000_000,
        None => 100_000,
    };
    std::env::var("LBACK_LEDGER_SEQUENCES")
        .map_or(usual, |number| number.parse().expect("it is a number"))
}

#[test]
fn sequences_never_lie() {
    for seed in 0..sequences() {
        let tape = || Tape::random(seed);
        if catch_unwind(AssertUnwindSafe(|| play(tape(), false))).is_err() {
            play(tape(), true);
            panic!("the sequence of the seed {seed} lies");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..<_>::default() })]

    /// The same in small numbers: a tape shrinks, and so does its sequence.
    #[test]
    fn a_sequence_that_lies_would_be_shrunk(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        play(Tape::of(bytes), false);
    }
}

#[test]
fn the_sequences_reach_what_they_should() {
    let mut reached = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..20_000 {
        for what in play(Tape::random(seed), false) {
            *reached.entry(what).or_default() += 1;
        }
    }
    for what in [
        "Ok",
        "Err",
        "panic",
        "unknown",
        "refused",
        "after commit",
        "after rollback",
        "discarded",
        "half done",
        "ended by the database",
        "ended by a raw statement",
        "aborted",
        "healed",
        "broken",
        "swapped",
        "mark missed",
        "told",
        "note cut",
        "closure cut",
        "written while told",
        "COMMIT failed",
        "panic beside COMMIT",
    ] {
        assert!(
            reached.get(what).is_some_and(|times| *times > 20),
            "{what}: {reached:?}"
        );
    }
}
