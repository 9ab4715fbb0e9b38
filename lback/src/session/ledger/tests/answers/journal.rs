//! What is noted of writes, and the closures that wait for the commit.

use super::waiting::noted;
use super::{Book, inside, open};
use crate::error::Error;
use crate::session::ledger::{Guarding, Kind, Standing, Then, later_of};

fn note(ledger: &mut Book, row: u32) {
    assert!(ledger.note(row).is_ok(), "there is room");
    ledger.wait_for_commit("closure");
}

fn left(ledger: &mut Book) -> (Vec<u32>, usize) {
    let notes = ledger.journal.take();
    let notes = notes.iter().map(|note| note.item).collect();
    let closures = std::iter::from_fn(|| ledger.journal.next_closure()).count();
    (notes, closures)
}

fn cut(ledger: &mut Book) -> (usize, usize) {
    let notes = std::iter::from_fn(|| ledger.journal.next_cut_note()).count();
    let closures = std::iter::from_fn(|| ledger.journal.next_cut_closure()).count();
    (notes, closures)
}

#[test]
fn a_level_that_is_undone_cuts_its_own() {
    for is_whole in [true, false] {
        let (mut ledger, _open) = inside();
        note(&mut ledger, 1);
        let _inner = open(&mut ledger, Kind::Savepoint);
        note(&mut ledger, 2);
        assert!(!ledger.has_discarded());
        ledger.undone(is_whole);
        assert!(ledger.has_discarded());
        assert_eq!(cut(&mut ledger), (1, 1));
        assert!(!ledger.has_discarded());
        assert_eq!(left(&mut ledger), (vec![1], 1));
        assert!(!ledger.journal.is_waiting());
    }
    for has_written in [true, false] {
        let (mut ledger, _open) = inside();
        note(&mut ledger, 1);
        let _bare = open(&mut ledger, Kind::Bare);
        if has_written {
            ledger.note_write();
        }
        note(&mut ledger, 2);
        ledger.bare_failed();
        assert_eq!(cut(&mut ledger), (1, 1));
        assert_eq!(left(&mut ledger), (vec![1], 1));
    }
}

#[test]
fn one_that_is_released_leaves_it_to_its_parent() {
    let (mut ledger, _open) = inside();
    let _outer = open(&mut ledger, Kind::Savepoint);
    let _inner = open(&mut ledger, Kind::Savepoint);
    note(&mut ledger, 1);
    ledger.released();
    let _bare = open(&mut ledger, Kind::Bare);
    note(&mut ledger, 2);
    ledger.bare_done();
    assert!(ledger.journal.is_waiting());
    ledger.undone(true);
    assert!(!ledger.journal.is_waiting());
    assert_eq!(cut(&mut ledger), (2, 2));
}

#[test]
fn nothing_is_left_of_a_transaction_that_has_ended() {
    let ends: [fn(&mut Book); 4] = [
        |ledger| assert_eq!(ledger.committed(), Guarding::None),
        |ledger| assert_eq!(ledger.rolled_back(), Guarding::None),
        |ledger| assert_eq!(ledger.unknown(), Guarding::None),
        |ledger| assert_eq!(ledger.vanished(), Then::Sink),
    ];
    for end in ends {
        let (mut ledger, _open) = inside();
        note(&mut ledger, 1);
        end(&mut ledger);
        assert!(!ledger.journal.is_waiting());
        assert_eq!(cut(&mut ledger), (1, 1));
    }
    // What the database has ended is not told, and is forgotten at the end.
    let (mut ledger, _open) = inside();
    note(&mut ledger, 1);
    assert_eq!(ledger.failed(Standing::Gone, true), Then::Sink);
    assert!(ledger.check_usable().is_err());
    let _ = ledger.rolled_back();
    assert!(!ledger.journal.is_waiting());
}

#[test]
fn what_was_taken_out_to_be_told_counts_until_the_end() {
    let (mut ledger, open) = inside();
    ledger.journal.max_notes = 2;
    note(&mut ledger, 1);
    assert_eq!(left(&mut ledger).0, [1]);
    assert!(ledger.check_changes(1).is_ok());
    assert!(matches!(
        ledger.check_changes(2),
        Err(Error::TooManyChanges { limit: 2 })
    ));
    note(&mut ledger, 2);
    assert!(ledger.note(3).is_err());
    assert!(ledger.closing(&open).is_ok());
    let _ = ledger.committed();
    assert!(ledger.check_changes(2).is_ok());
}

#[test]
fn rounds_are_counted_along_what_caused_what() {
    let (mut ledger, _open) = inside();
    ledger.journal.max_rounds = 2;
    note(&mut ledger, 1);
    let first = ledger.journal.take();
    assert!(first[0].origin.is_none(), "nothing was told yet");
    let link = ledger.chain.link();
    ledger.journal.begin_telling(link);
    assert!(ledger.journal.tell(None).is_ok());
    // Two writes of one round.
    note(&mut ledger, 2);
    note(&mut ledger, 3);
    let second = ledger.journal.take();
    for entry in &second {
        assert!(ledger.journal.tell(entry.origin.as_ref()).is_ok());
    }
    note(&mut ledger, 4);
    let third = ledger.journal.take();
    assert!(matches!(
        ledger.journal.tell(third[0].origin.as_ref()),
        Err(Error::ChangeLoop { limit: 2, .. })
    ));
    // What was told at first begins anew.
    assert!(ledger.journal.tell(None).is_ok());
    note(&mut ledger, 5);
    let other = ledger.journal.take();
    assert!(ledger.journal.tell(other[0].origin.as_ref()).is_ok());
}

#[test]
fn a_note_or_a_closure_alone_is_waited_for() {
    let (mut ledger, _open) = inside();
    assert!(!ledger.journal.is_waiting());
    assert!(ledger.note(1).is_ok());
    assert!(ledger.journal.is_waiting());
    assert_eq!(left(&mut ledger), (vec![1], 0));
    ledger.wait_for_commit("closure");
    assert!(ledger.journal.is_waiting());
    assert_eq!(left(&mut ledger), (vec![], 1));
    assert!(!ledger.journal.is_waiting());
    // And so is what was cut of them.
    for is_note in [true, false] {
        let _inner = open(&mut ledger, Kind::Savepoint);
        if is_note {
            assert!(ledger.note(2).is_ok());
        } else {
            ledger.wait_for_commit("closure");
        }
        ledger.undone(true);
        assert!(ledger.has_discarded());
        assert_eq!(
            cut(&mut ledger),
            (usize::from(is_note), usize::from(!is_note))
        );
        assert!(!ledger.has_discarded());
    }
}

#[test]
fn the_last_receivers_of_a_long_chain_are_remembered() {
    let (mut ledger, _open) = inside();
    ledger.journal.max_rounds = 1_000;
    let link = ledger.chain.link();
    ledger.journal.begin_telling(link);
    let mut origin = None;
    for round in 1..100 {
        assert!(ledger.journal.tell(origin.as_ref()).is_ok());
        let back = ledger
            .chain
            .descend(&noted::SIGNAL)
            .expect("it is not deep");
        ledger.chain.run(&noted::ONE);
        assert!(ledger.note(round).is_ok());
        ledger.chain.restore(back);
        origin = ledger.journal.take()[0].origin.clone();
        let remembered = origin.as_ref().map(|origin| origin.chain.len());
        assert_eq!(
            remembered,
            Some(usize::try_from(round.min(32)).expect("it is small"))
        );
    }
}

#[test]
fn what_has_several_causes_has_the_rounds_of_the_latest() {
    let (mut ledger, _open) = inside();
    let link = ledger.chain.link();
    ledger.journal.begin_telling(link);
    let mut origins = vec![None];
    for round in 1..=2 {
        assert!(ledger.journal.tell(origins[round - 1].as_ref()).is_ok());
        assert!(ledger.note(7).is_ok());
        origins.push(ledger.journal.take()[0].origin.clone());
    }
    ledger.journal.max_rounds = 2;
    for (one, other) in [(1, 2), (2, 1), (0, 2), (2, 0)] {
        let latest = later_of(origins[one].clone(), origins[other].clone());
        assert!(
            ledger.journal.tell(latest.as_ref()).is_err(),
            "{one}, {other}"
        );
    }
    let latest = later_of(origins[1].clone(), origins[0].clone());
    assert!(ledger.journal.tell(latest.as_ref()).is_ok());
}
