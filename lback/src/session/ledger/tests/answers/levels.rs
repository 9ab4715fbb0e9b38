//! Levels, and what a failure in one means.

use super::{Book, discarded, inside, open, queue, ready};
use crate::error::Error;
use crate::receiver::Phase;
use crate::session::ledger::identity::is_given_up_unseen;
use crate::session::ledger::{Cause, Guarding, Kind, Marking, Standing, Then, give_up};

#[test]
fn levels_are_counted_from_what_was_there() {
    let mut ledger = Book::new();
    assert_eq!((ledger.base(), ledger.depth_of_connection()), (0, 0));
    ledger.set_base(2);
    assert_eq!((ledger.base(), ledger.depth_of_connection()), (2, 2));
    assert!(!ledger.is_in_transaction() && !ledger.is_bare());
    let outer = open(&mut ledger, Kind::Outermost);
    assert!(ledger.is_in_transaction() && !ledger.is_bare());
    assert_eq!((ledger.depth(), ledger.depth_of_connection()), (1, 3));
    let bare = open(&mut ledger, Kind::Bare);
    assert_eq!(ledger.depth(), 1);
    assert!(ledger.is_bare());
    let inner = open(&mut ledger, Kind::Savepoint);
    assert!(!ledger.is_bare());
    assert_eq!((ledger.depth(), ledger.depth_of_connection()), (2, 4));
    for (open, kind) in [
        (&inner, Kind::Savepoint),
        (&bare, Kind::Bare),
        (&outer, Kind::Outermost),
    ] {
        assert!(ledger.closing(open).is_ok_and(|closing| closing == kind));
        match kind {
            Kind::Savepoint => ledger.released(),
            Kind::Bare => ledger.bare_done(),
            Kind::Outermost => drop(ledger.committed()),
        }
    }
    assert_eq!((ledger.base(), ledger.depth_of_connection()), (2, 2));
}

#[test]
fn levels_are_bounded() {
    let (mut ledger, _outer) = inside();
    let mut levels = 1;
    let limit = loop {
        match ledger.opening() {
            Ok(kind) => {
                assert_eq!(kind, Kind::Savepoint);
                let _open = ledger.opened(kind, false);
                levels += 1;
            }
            Err(Error::NestedTooDeep { limit, .. }) => break limit,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!((levels, limit), (100, 100));

    let (mut ledger, _outer) = inside();
    ledger.set_max_levels(1);
    assert!(matches!(
        ledger.opening(),
        Err(Error::NestedTooDeep { limit: 1, .. })
    ));
}

#[test]
fn a_level_is_closed_by_whoever_opened_it_last() {
    let (mut one, open_of_one) = inside();
    let (mut two, open_of_two) = inside();
    assert_ne!(one.identity(), two.identity());
    assert!(one.closing(&open_of_two).is_err());
    assert!(two.closing(&open_of_one).is_err());
    let inner = open(&mut one, Kind::Savepoint);
    assert!(one.closing(&open_of_one).is_err(), "the inner is open");
    assert!(one.closing(&inner).is_ok());
    assert_eq!(open_of_one.ledger(), one.identity());

    give_up(open_of_two.ledger());
    assert!(one.check_usable().is_ok());
    for _ in 0..2 {
        assert!(matches!(two.check_usable(), Err(Error::SessionBroken)));
    }
    assert!(two.is_broken());
    // One that is given up and never asked leaves nothing behind for the next.
    let number = one.identity();
    give_up(number);
    assert!(is_given_up_unseen(number));
    drop(one);
    assert!(!is_given_up_unseen(number));
}

#[test]
fn nothing_works_without_a_connection() {
    let (mut ledger, _open) = inside();
    assert!(ledger.check_usable().is_ok() && ledger.is_sound() && ledger.is_alive());
    assert!(!ledger.is_broken());
    ledger.break_off();
    assert!(ledger.is_broken() && !ledger.is_sound() && !ledger.is_alive());
    assert!(matches!(ledger.check_usable(), Err(Error::SessionBroken)));
    assert!(matches!(ledger.opening(), Err(Error::SessionBroken)));
    // The end of a transaction brings no connection back.
    let _ = ledger.unknown();
    assert!(ledger.is_broken());
}

#[test]
fn the_next_transaction_starts_afresh() {
    for standing in [Standing::Aborted, Standing::Gone] {
        for end in [Book::committed, Book::rolled_back, Book::unknown] {
            let (mut ledger, _open) = inside();
            ledger.failed(standing, false);
            assert!(!ledger.is_sound());
            let _ = end(&mut ledger);
            assert!(ledger.is_sound() && ledger.check_usable().is_ok());
        }
    }
}

#[test]
fn what_reads_refuses_writes_in_all_that_is_nested() {
    let mut ledger = Book::new();
    assert!(ledger.check_writable().is_ok() && !ledger.is_read_only());
    let outer = ledger.opened(Kind::Outermost, true);
    let _inner = open(&mut ledger, Kind::Savepoint);
    assert!(ledger.is_read_only());
    assert!(matches!(ledger.check_writable(), Err(Error::ReadOnly)));
    ledger.released();
    assert!(ledger.closing(&outer).is_ok());
    let _ = ledger.committed();
    let _next = open(&mut ledger, Kind::Outermost);
    assert!(ledger.check_writable().is_ok() && !ledger.is_read_only());
}

#[test]
fn a_bare_level_that_fails_spoils_what_it_has_written_into() {
    for has_written in [false, true] {
        for is_inside in [false, true] {
            let mut ledger = Book::new();
            let _outer = is_inside.then(|| open(&mut ledger, Kind::Outermost));
            let _bare = open(&mut ledger, Kind::Bare);
            if has_written {
                ledger.note_write();
            }
            queue(&mut ledger, Phase::AfterCommit, "welcome");
            queue(&mut ledger, Phase::AfterRollback, "lament");
            ledger.bare_failed();
            assert_eq!(ledger.is_sound(), !(has_written && is_inside));
            assert_eq!(discarded(&mut ledger), ["welcome"]);
            // Whether it lasts depends on the level around it.
            let at_once = if is_inside { &[][..] } else { &["lament"] };
            assert_eq!(ready(&mut ledger), at_once);
        }
    }
    // What was about to write, and then has not, leaves no half.
    let (mut ledger, _open) = inside();
    let _bare = open(&mut ledger, Kind::Bare);
    ledger.note_write();
    ledger.note_no_write();
    ledger.bare_failed();
    assert!(ledger.is_sound());
    // But what it had written before still does.
    let _bare = open(&mut ledger, Kind::Bare);
    ledger.note_write();
    ledger.note_write();
    ledger.note_no_write();
    ledger.bare_failed();
    assert!(!ledger.is_sound());
}

#[test]
fn where_the_connection_is_lost_nobody_laments_but_in_a_test_transaction() {
    for base in [0, 1] {
        let mut ledger = Book::new();
        ledger.set_base(base);
        let _bare = open(&mut ledger, Kind::Bare);
        queue(&mut ledger, Phase::AfterRollback, "lament");
        ledger.break_off();
        ledger.bare_failed();
        // A statement that stood alone may have been stored; what is in a test transaction is not.
        let laments = if base == 0 { &[][..] } else { &["lament"] };
        assert_eq!(ready(&mut ledger), laments);
    }
}

#[test]
fn a_failure_outside_of_transactions_ends_none() {
    for standing in [
        Standing::Open,
        Standing::Partial,
        Standing::Aborted,
        Standing::Gone,
    ] {
        let mut ledger = Book::new();
        assert_eq!(ledger.failed(standing, true), Then::GoOn, "{standing:?}");
        assert!(ledger.is_sound(), "{standing:?}");
        assert_eq!(ledger.vanished(), Then::GoOn);
        assert!(ledger.is_sound());
        ledger.abort(Cause::STUCK);
        assert!(ledger.is_sound());
    }
    let mut ledger = Book::new();
    assert_eq!(ledger.failed(Standing::Lost, false), Then::GiveUp);
    assert!(ledger.is_broken());
}

#[test]
fn a_failure_inside_is_judged_by_where_the_connection_stands() {
    let (mut ledger, _open) = inside();
    assert_eq!(ledger.failed(Standing::Open, false), Then::GoOn);
    assert!(ledger.is_sound());
    assert_eq!(ledger.failed(Standing::Partial, false), Then::GoOn);
    assert!(ledger.is_sound(), "what does not write leaves no part");
    ledger.note_write();
    assert_eq!(ledger.failed(Standing::Partial, true), Then::GoOn);
    refused(&mut ledger, Cause::HALF_DONE, true);

    for is_transient in [false, true] {
        let (mut ledger, _open) = inside();
        assert_eq!(ledger.failed(Standing::Aborted, is_transient), Then::GoOn);
        refused(&mut ledger, Cause::FAILED, is_transient);
        assert!(ledger.is_alive());

        let (mut ledger, _open) = inside();
        assert_eq!(ledger.failed(Standing::Gone, is_transient), Then::Sink);
        refused(&mut ledger, Cause::ROLLED_BACK, is_transient);
        assert!(!ledger.is_alive());
        // What is over is not over once more.
        assert_eq!(ledger.failed(Standing::Gone, true), Then::GoOn);
        assert_eq!(ledger.vanished(), Then::GoOn);
        refused(&mut ledger, Cause::ROLLED_BACK, is_transient);
    }

    // Whoever had the connection may have ended it, and committed.
    let (mut ledger, _open) = inside();
    queue(&mut ledger, Phase::AfterRollback, "lament");
    ledger.lending(Marking::BetweenWrites);
    assert_eq!(ledger.failed(Standing::Gone, false), Then::Sink);
    refused(&mut ledger, Cause::VANISHED, false);
    assert_eq!(discarded(&mut ledger), ["lament"]);
    // But not where the database says why.
    let (mut ledger, _open) = inside();
    ledger.lending(Marking::BetweenWrites);
    assert_eq!(ledger.failed(Standing::Gone, true), Then::Sink);
    refused(&mut ledger, Cause::ROLLED_BACK, true);
}

fn refused(ledger: &mut Book, cause: Cause, retryable: bool) {
    let (Err(found), Error::TransactionAborted { reason: ours, .. }) =
        (ledger.check_usable(), cause.error())
    else {
        panic!("it is not refused");
    };
    let Error::TransactionAborted {
        reason,
        is_retryable,
    } = found
    else {
        panic!("{found:?}");
    };
    assert_eq!((reason, is_retryable), (ours, retryable));
}

#[test]
fn a_savepoint_that_is_missed_tells_of_whoever_had_the_connection() {
    let (mut ledger, _open) = inside();
    assert_eq!(ledger.missing(), Then::GoOn);
    refused(&mut ledger, Cause::STUCK, false);
    let (mut ledger, _open) = inside();
    ledger.lending(Marking::BetweenWrites);
    assert_eq!(ledger.missing(), Then::Sink);
    refused(&mut ledger, Cause::VANISHED, false);
}

#[test]
fn a_level_that_is_undone_heals_what_happened_in_it() {
    let (mut ledger, _open) = inside();
    let _inner = open(&mut ledger, Kind::Savepoint);
    queue(&mut ledger, Phase::AfterCommit, "welcome");
    queue(&mut ledger, Phase::AfterRollback, "lament");
    ledger.failed(Standing::Aborted, false);
    ledger.undone(true);
    assert!(ledger.is_sound());
    assert_eq!(discarded(&mut ledger), ["welcome"]);
    let _ = ledger.committed();
    assert_eq!(ready(&mut ledger), ["lament"]);

    let (mut ledger, _open) = inside();
    let _inner = open(&mut ledger, Kind::Savepoint);
    queue(&mut ledger, Phase::AfterRollback, "lament");
    ledger.failed(Standing::Aborted, false);
    ledger.undone(false);
    refused(&mut ledger, Cause::STUCK, false);
    // The database may take statements again: what is lent out then is marked.
    ledger.writing(Marking::BetweenWrites);
    assert_eq!(ledger.lending(Marking::BetweenWrites), Guarding::Set);
    let _ = ledger.committed();
    assert_eq!(
        ready(&mut ledger),
        [""; 0],
        "nobody knows that it was undone"
    );
}

#[test]
fn a_bare_level_outside_of_transactions_is_one() {
    let mut ledger = Book::new();
    let bare = open(&mut ledger, Kind::Bare);
    queue(&mut ledger, Phase::AfterCommit, "welcome");
    assert!(ledger.closing(&bare).is_ok());
    ledger.bare_done();
    assert_eq!(ready(&mut ledger), ["welcome"]);

    let (mut ledger, _open) = inside();
    let _bare = open(&mut ledger, Kind::Bare);
    queue(&mut ledger, Phase::AfterCommit, "welcome");
    ledger.bare_done();
    assert_eq!(ready(&mut ledger), [""; 0]);
}

#[test]
fn what_a_released_level_has_written_is_in_the_one_around_it() {
    for is_released in [false, true] {
        let (mut ledger, _open) = inside();
        let _bare = open(&mut ledger, Kind::Bare);
        let _inner = open(&mut ledger, Kind::Savepoint);
        ledger.note_write();
        if is_released {
            ledger.released();
        } else {
            ledger.undone(true);
        }
        ledger.bare_failed();
        assert_eq!(ledger.is_sound(), !is_released);
    }
}
