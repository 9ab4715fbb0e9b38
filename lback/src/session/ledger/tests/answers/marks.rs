//! Marks and looks: where they are needed, and where they would only cost.

use super::{Book, inside, open, queue, ready};
use crate::receiver::Phase;
use crate::session::ledger::{Cause, Guarding, Kind, Marking, Standing};

const MARKINGS: [Marking; 3] = [
    Marking::BeforeLending,
    Marking::BetweenWrites,
    Marking::BetweenAllWrites,
];

#[test]
fn a_look_is_taken_where_something_can_have_happened() {
    let (mut ledger, _open) = inside();
    assert!(!ledger.is_doubtful() && !ledger.must_probe());
    queue(&mut ledger, Phase::AfterCommit, "effect");
    assert!(!ledger.is_doubtful());
    assert!(ledger.must_probe(), "an effect waits for what is true");
    let _ = ledger.committed();
    assert_eq!(ready(&mut ledger), ["effect"]);

    let _open = open(&mut ledger, Kind::Outermost);
    assert!(!ledger.must_probe());
    ledger.lending(Marking::BetweenWrites);
    assert!(ledger.is_doubtful() && ledger.must_probe());
    let _ = ledger.committed();
    assert!(!ledger.is_doubtful());

    // Outside too: what was lent may be inside of a transaction afterwards.
    ledger.lending(Marking::BetweenWrites);
    assert!(ledger.is_doubtful());
    let _open = open(&mut ledger, Kind::Outermost);
    assert!(!ledger.is_doubtful(), "it was looked at before BEGIN");
    ledger.failed(Standing::Open, false);
    assert!(ledger.is_doubtful() && ledger.must_probe());
}

#[test]
fn nothing_is_marked_where_there_is_nothing_to_mark() {
    for marking in MARKINGS {
        let mut ledger = Book::new();
        assert_eq!(ledger.lending(marking), Guarding::None);
        assert!(!ledger.was_lent());
        assert_eq!(ledger.writing(marking), Guarding::None);

        let (mut ledger, _open) = inside();
        ledger.failed(Standing::Gone, true);
        assert_eq!(ledger.lending(marking), Guarding::None);
        assert!(!ledger.was_lent());

        // Where the database takes no statements, it takes no mark, and that is remembered.
        let (mut ledger, _open) = inside();
        ledger.writing(marking);
        ledger.failed(Standing::Aborted, false);
        assert_eq!(ledger.lending(marking), Guarding::None);
        assert!(ledger.was_lent());
        assert_eq!(ledger.guarding(), Guarding::None);

        // Where the session alone refuses what follows, the database still takes it.
        let (mut ledger, _open) = inside();
        ledger.writing(marking);
        ledger.abort(Cause::HALF_DONE);
        assert_eq!(ledger.lending(marking), Guarding::Set);
    }
}

#[test]
fn a_mark_protects_what_was_written_from_whoever_has_the_connection() {
    // Lent first, written then.
    let (mut ledger, _open) = inside();
    assert_eq!(ledger.lending(Marking::BetweenWrites), Guarding::None);
    assert_eq!(ledger.guarding(), Guarding::None);
    assert_eq!(ledger.writing(Marking::BetweenWrites), Guarding::Set);
    ledger.marked(false);
    assert_eq!(ledger.guarding(), Guarding::Set);
    for _ in 0..2 {
        assert_eq!(ledger.writing(Marking::BetweenWrites), Guarding::None);
        assert_eq!(ledger.lending(Marking::BetweenWrites), Guarding::None);
    }
    // Written first, lent then.
    let (mut ledger, _open) = inside();
    assert_eq!(ledger.writing(Marking::BetweenWrites), Guarding::None);
    assert_eq!(ledger.lending(Marking::BetweenWrites), Guarding::Set);
    // In a nested level its own savepoint tells the same.
    let _inner = open(&mut ledger, Kind::Savepoint);
    assert_eq!(ledger.lending(Marking::BetweenWrites), Guarding::None);
    assert_eq!(ledger.writing(Marking::BetweenWrites), Guarding::None);
    assert_eq!(ledger.lending(Marking::BetweenAllWrites), Guarding::Set);
    assert_eq!(ledger.lending(Marking::BeforeLending), Guarding::Set);
    // Nothing of the framework's: nothing to protect, but where lending ends the transaction.
    for marking in MARKINGS {
        let (mut ledger, _open) = inside();
        let expected = match marking {
            Marking::BeforeLending => Guarding::Set,
            Marking::BetweenWrites | Marking::BetweenAllWrites => Guarding::None,
        };
        assert_eq!(ledger.lending(marking), expected);
    }
}

#[test]
fn a_mark_is_moved_over_what_was_written_since() {
    let every = Marking::BetweenAllWrites;
    let (mut ledger, _open) = inside();
    ledger.writing(every);
    assert_eq!(ledger.lending(every), Guarding::Set);
    ledger.marked(true);
    assert_eq!(ledger.writing(every), Guarding::Move);
    ledger.marked(false);
    assert_eq!(ledger.writing(every), Guarding::None, "nobody had it since");
    ledger.lending(every);
    let _inner = open(&mut ledger, Kind::Savepoint);
    assert_eq!(ledger.writing(every), Guarding::Look, "from further in");
    ledger.looked();
    assert_eq!(ledger.writing(every), Guarding::None);
    // Only where it costs nothing.
    ledger.lending(every);
    assert_eq!(ledger.writing(Marking::BeforeLending), Guarding::None);
}

#[test]
fn a_mark_goes_with_its_level() {
    for end in [Kind::Savepoint, Kind::Bare] {
        let every = Marking::BetweenAllWrites;
        let (mut ledger, _open) = inside();
        let _inner = open(&mut ledger, Kind::Savepoint);
        ledger.writing(every);
        ledger.lending(every);
        ledger.marked(true);
        assert_eq!(ledger.guarding(), Guarding::Set);
        if end == Kind::Savepoint {
            ledger.released();
        } else {
            ledger.undone(true);
        }
        assert_eq!(ledger.guarding(), Guarding::Again);
        assert_eq!(ledger.writing(every), Guarding::Again);
        assert_eq!(ledger.lending(every), Guarding::Again);
        ledger.marked(false);
        assert_eq!(ledger.guarding(), Guarding::Set);
        ledger.proved();
        assert_eq!(ledger.guarding(), Guarding::Again, "it is used up");
        assert_eq!(ledger.committed(), Guarding::Again);
        assert_eq!(ledger.guarding(), Guarding::None);
        assert!(!ledger.was_lent());
    }
    // One of the outermost level outlives those inside.
    let (mut ledger, _open) = inside();
    ledger.marked(false);
    let _inner = open(&mut ledger, Kind::Savepoint);
    ledger.released();
    assert_eq!(ledger.guarding(), Guarding::Set);
    assert_eq!(ledger.rolled_back(), Guarding::Set);
    // That nobody has had the connection since is known of a mark that is gone, too.
    let every = Marking::BetweenAllWrites;
    let (mut ledger, _open) = inside();
    let _inner = open(&mut ledger, Kind::Savepoint);
    ledger.marked(false);
    ledger.released();
    assert_eq!(ledger.writing(every), Guarding::None);
    let mut unwritten = ledger;
    unwritten.stack.has_written = false;
    assert_eq!(unwritten.lending(every), Guarding::None);
    assert_eq!(unwritten.writing(every), Guarding::Again);
}

#[test]
fn before_a_rollback_somebody_looks_only_if_it_matters() {
    let prepare = |is_lent: bool, is_marked: bool, laments: bool, is_alive: bool| {
        let (mut ledger, _open) = inside();
        if is_lent {
            ledger.lending(Marking::BetweenWrites);
        }
        if is_marked {
            ledger.marked(false);
        }
        if laments {
            queue(&mut ledger, Phase::AfterRollback, "lament");
        } else {
            queue(&mut ledger, Phase::AfterCommit, "welcome");
        }
        if !is_alive {
            ledger.failed(Standing::Gone, true);
        }
        ledger.must_look_back()
    };
    assert!(prepare(true, true, true, true));
    assert!(!prepare(true, true, true, false));
    assert!(!prepare(true, true, false, true));
    assert!(!prepare(true, false, true, true));
    assert!(!prepare(false, false, true, true));
}
