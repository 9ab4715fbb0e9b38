//! The journal alone: whatever was written, and undone, and joined, each row has its first before and
//! its last after.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::error::Error;
use crate::session::ledger::{Kind, Ledger, Note, rows};

/// A write of a row, from one version to another. Some concern other receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    row: u8,
    found: u32,
    left: u32,
    listener: bool,
}

impl Note for Write {
    fn order(&self, other: &Self) -> Ordering {
        self.row.cmp(&other.row)
    }

    fn may_join(&self, later: &Self) -> bool {
        self.listener == later.listener
    }

    fn join(&mut self, later: &mut Self) {
        std::mem::swap(&mut self.left, &mut later.left);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Write { row: u8, listener: bool },
    Open,
    Release,
    Undo,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..4, prop::bool::weighted(0.9))
            .prop_map(|(row, listener)| Step::Write { row, listener }),
        2 => Just(Step::Open),
        1 => Just(Step::Release),
        1 => Just(Step::Undo),
    ]
}

/// For each row and listener, in the order of the first write of each row, what was found first and left
/// last.
type Net = Vec<(u8, BTreeMap<bool, (u32, u32)>)>;

fn add(net: &mut Net, write: &Write) {
    let place = net.iter().position(|(row, _)| *row == write.row);
    let place = place.unwrap_or_else(|| {
        net.push((write.row, BTreeMap::new()));
        net.len() - 1
    });
    let ends = net[place].1.entry(write.listener);
    ends.or_insert((write.found, write.left)).1 = write.left;
}

/// What the journal says, joined as often as can be or never.
fn told(steps: &[Step], joins: bool) -> (Net, usize) {
    let mut ledger = Ledger::<(), Write>::new();
    if joins {
        ledger.journal.join_always();
    }
    let _ = ledger.opened(Kind::Outermost, false);
    for (number, step) in (1..).zip(steps) {
        match *step {
            Step::Write { row, listener } => {
                let write = write(row, number, listener);
                assert!(ledger.note(write).is_ok(), "there is room");
            }
            Step::Open => drop(ledger.opened(Kind::Savepoint, false)),
            Step::Release if ledger.depth() > 1 => ledger.released(),
            Step::Undo if ledger.depth() > 1 => ledger.undone(true),
            Step::Release | Step::Undo => {}
        }
    }
    while ledger.depth() > 1 {
        ledger.released();
    }
    assert!(ledger.check_changes(0).is_ok(), "there is room");
    let notes = ledger.journal.take();
    let mut net = Net::new();
    for row in rows(&notes).iter() {
        for place in row {
            add(&mut net, &notes[*place].item);
        }
    }
    (net, notes.len())
}

/// What should be true: a pile of lists.
fn expected(steps: &[Step]) -> Net {
    let mut levels = vec![Vec::new()];
    for (number, step) in (1..).zip(steps) {
        let depth = levels.len();
        match *step {
            Step::Write { row, listener } => {
                levels[depth - 1].push(write(row, number, listener));
            }
            Step::Open => levels.push(Vec::new()),
            Step::Release if depth > 1 => {
                let inner = levels.pop().unwrap_or_default();
                levels[depth - 2].extend(inner);
            }
            Step::Undo if depth > 1 => drop(levels.pop()),
            Step::Release | Step::Undo => {}
        }
    }
    let mut net = Net::new();
    for write in levels.iter().flatten() {
        add(&mut net, write);
    }
    net
}

fn write(row: u8, number: u32, listener: bool) -> Write {
    Write {
        row,
        found: number * 2,
        left: number * 2 + 1,
        listener,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn each_row_has_its_first_before_and_its_last_after(
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let expected = expected(&steps);
        prop_assert_eq!(&told(&steps, false).0, &expected, "never joined");
        let (joined, notes) = told(&steps, true);
        prop_assert_eq!(&joined, &expected, "joined");
        if !steps.iter().any(|step| matches!(step, Step::Write { listener: false, .. })) {
            prop_assert_eq!(notes, joined.len(), "a row has one note");
        }
    }
}

#[test]
fn rows_are_bounded_and_not_their_writes() {
    let mut ledger = Ledger::<(), Write>::new();
    ledger.journal.max_notes = 4;
    let _ = ledger.opened(Kind::Outermost, false);
    for number in 0..100 {
        let row = u8::try_from(number % 3).expect("it is small");
        assert!(ledger.note(write(row, number, true)).is_ok(), "{number}");
    }
    assert!(ledger.note(write(3, 100, true)).is_ok(), "there is room");
    assert!(matches!(
        ledger.note(write(4, 101, true)),
        Err(Error::TooManyChanges { limit: 4 })
    ));
}
