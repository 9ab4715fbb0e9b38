//! Sequences from bytes, and what must hold of them.

use std::collections::BTreeSet;

use super::driver::{Driver, End};
use super::toy::{Fault, Raw, Toy};
use crate::receiver::Phase;
use crate::session::ledger::{Marking, Open};

/// Bytes that decide what is done. One that has run out says zero, which is the least of everything.
pub(super) struct Tape {
    bytes: Vec<u8>,
    next: usize,
}

impl Tape {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, next: 0 }
    }

    /// By `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>).
    pub(super) fn random(seed: u64) -> Self {
        let mut state = seed;
        let words = 4 + seed % 8;
        let bytes = (0..words).flat_map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (word ^ (word >> 31)).to_le_bytes()
        });
        Self::of(bytes.collect())
    }

    fn pick(&mut self, below: u8) -> u8 {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        byte % below
    }

    fn end(&mut self) -> End {
        match self.pick(8) {
            0..=5 => End::Ok,
            6 => End::Err,
            _ => End::Panic,
        }
    }

    fn fault(&mut self) -> Option<Fault> {
        match self.pick(24) {
            0 | 8.. => None,
            1 => Some(Fault::Fails),
            2 => Some(Fault::Partly),
            3 => Some(Fault::Ends),
            4 => Some(Fault::Lost),
            5 => Some(Fault::LostAfter),
            6 => Some(Fault::PanicsBefore),
            7 => Some(Fault::PanicsAfter),
        }
    }

    fn raw(&mut self, marking: Marking, depth: u32) -> Option<Raw> {
        // A savepoint of somebody's own is guarded where that costs nothing, in the outermost level.
        let guards_all = marking == Marking::BetweenAllWrites && depth == 1;
        match self.pick(18) {
            0 => Some(Raw::Commit),
            1 => Some(Raw::Rollback),
            2 => Some(Raw::CommitAndBegin),
            3 => Some(Raw::RollbackAndBegin),
            4 if marking == Marking::BeforeLending => Some(Raw::Deadlock),
            5 => Some(Raw::Failure),
            6 | 7 if guards_all => Some(Raw::Savepoint),
            8 | 9 if guards_all => Some(Raw::RollbackToSavepoint),
            _ => None,
        }
    }
}

/// What should be true.
#[derive(Default)]
struct Book {
    next_row: u32,
    /// Rows of operations that came to `Ok`, with levels that came to `Ok` around them.
    lasting: Vec<u32>,
    /// Closures that wait for the commit, of levels that came to `Ok`.
    waiting: Vec<u32>,
    /// Rows of which anything was begun in the open outermost transaction.
    begun: BTreeSet<u32>,
    after_commit: BTreeSet<u32>,
    after_rollback: BTreeSet<u32>,
    story: Option<Vec<String>>,
}

impl Book {
    /// How much would last if the open level did.
    fn mark(&self) -> (usize, usize) {
        (self.lasting.len(), self.waiting.len())
    }

    fn undo_to(&mut self, (rows, closures): (usize, usize)) {
        self.lasting.truncate(rows);
        self.waiting.truncate(closures);
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            let what = what();
            println!("{what}");
            story.push(what);
        }
    }

    /// After an outermost end.
    fn settle(&mut self, driver: &mut Driver, end: End) {
        self.tell(|| format!("= {end:?}"));
        while let Some(effect) = driver.ledger.effects.next_ready() {
            let row = effect.work;
            let is_stored = driver.toy.stored.contains(&row);
            match effect.phase {
                Phase::AfterCommit => {
                    driver.reached.push("after commit");
                    assert!(is_stored, "an effect of {row} ran, which is not stored");
                    assert!(
                        self.after_commit.insert(row),
                        "the effect of {row} ran twice"
                    );
                }
                Phase::AfterRollback => {
                    driver.reached.push("after rollback");
                    // Somebody has committed behind the session, and then the connection was lost
                    // before that could be seen.
                    let is_hidden = driver.is_unsure && driver.toy.depth().is_none();
                    assert!(!is_stored || is_hidden, "{row} was lamented, and is stored");
                    assert!(self.after_rollback.insert(row), "{row} was lamented twice");
                }
                phase => panic!("an effect has the phase {phase:?}"),
            }
        }
        while driver.ledger.effects.next_discarded().is_some() {
            driver.reached.push("discarded");
        }
        assert!(
            !driver.ledger.effects.is_waiting(),
            "an effect waits for no transaction"
        );
        assert!(
            !driver.ledger.journal.is_waiting(),
            "something is to be told of no transaction"
        );
        while driver.ledger.journal.next_cut_note().is_some() {
            driver.reached.push("note cut");
        }
        while driver.ledger.journal.next_cut_closure().is_some() {
            driver.reached.push("closure cut");
        }
        assert_eq!(
            driver.ledger.depth(),
            0,
            "a level is open that nobody closes"
        );
        for row in std::mem::take(&mut self.begun) {
            let is_stored = driver.toy.stored.contains(&row);
            let is_lasting = end == End::Ok && self.lasting.contains(&row);
            if is_lasting {
                assert!(is_stored, "Ok, and {row} is not stored");
                assert!(
                    self.after_commit.contains(&row),
                    "no effect of {row}, which is stored"
                );
            } else if end != End::Unknown && !driver.is_unsure && !driver.is_swapped {
                assert!(!is_stored, "{row} is stored, though it failed");
                // Where somebody else had the connection, it may be past finding out.
                assert!(
                    driver.is_lent || self.after_rollback.contains(&row),
                    "nobody was told that {row} did not last"
                );
            }
        }
        if end == End::Ok {
            assert!(!driver.toy.is_inside(), "Ok, and the transaction is open");
        }
        self.undo_to((0, 0));
        driver.is_unsure = false;
        driver.is_lent = false;
        driver.reached.push(match end {
            End::Ok => "Ok",
            End::Err => "Err",
            End::Panic => "panic",
            End::Unknown => "unknown",
        });
    }
}

/// Does what the tape says, and asserts what must hold. What was reached comes back.
pub(super) fn play(mut tape: Tape, is_told: bool) -> Vec<&'static str> {
    let marking = match tape.pick(3) {
        0 => Marking::BetweenAllWrites,
        1 => Marking::BetweenWrites,
        _ => Marking::BeforeLending,
    };
    let mut book = Book {
        story: is_told.then(Vec::new),
        ..Book::default()
    };
    book.tell(|| format!("{marking:?}"));
    let mut driver = Driver::new(Toy::new(marking));
    for _ in 0..=tape.pick(3) {
        let end = transaction(&mut tape, &mut driver, &mut book, 0);
        book.settle(&mut driver, end);
        driver.is_swapped = false;
    }
    driver.reached
}

fn transaction(tape: &mut Tape, driver: &mut Driver, book: &mut Book, depth: u32) -> End {
    let fault = tape.fault();
    book.tell(|| format!("begin {fault:?}"));
    let open = match driver.begin(fault) {
        Ok(open) => open,
        Err(end) => return end,
    };
    let before = book.mark();
    let mut end = End::Ok;
    for _ in 0..=tape.pick(4) {
        end = step(tape, driver, book, depth + 1);
        if end != End::Ok {
            break;
        }
    }
    if end == End::Ok {
        end = tape.end();
    }
    if end == End::Ok && depth == 0 && !driver.is_swapped {
        end = tell(tape, driver, book);
    }
    close(tape, driver, book, &open, end, before)
}

/// Tells what was noted, as the session does: whoever is told may write, and may fail.
fn tell(tape: &mut Tape, driver: &mut Driver, book: &mut Book) -> End {
    if !driver.may_tell() {
        // The commit says so.
        return End::Ok;
    }
    let link = driver.ledger.chain.link();
    driver.ledger.journal.begin_telling(link);
    let (mut told, mut called) = (Vec::new(), Vec::new());
    loop {
        let mut notes: Vec<_> = driver.ledger.journal.take();
        let mut origins: Vec<_> = notes.iter_mut().map(|note| note.origin.take()).collect();
        told.extend(notes.iter().map(|note| note.item));
        if notes.is_empty() {
            let Some(closure) = driver.ledger.journal.next_closure() else {
                break;
            };
            called.push(closure.item);
            origins.push(closure.origin);
        }
        book.tell(|| format!("told {told:?}, called {called:?}"));
        for origin in origins {
            if driver.ledger.journal.tell(origin.as_ref()).is_err() {
                driver.reached.push("a round too many");
                return End::Err;
            }
            if tape.pick(6) == 5 {
                driver.reached.push("written while told");
                let end = step(tape, driver, book, 1);
                if driver.is_swapped {
                    return End::Err;
                }
                if end != End::Ok {
                    return end;
                }
            }
        }
    }
    if driver.may_tell() {
        driver.reached.push("told");
        book.tell(|| format!("at last: told {told:?}, called {called:?}"));
        assert_eq!(told, book.lasting, "told is what lasts");
        assert_eq!(called, book.waiting, "called is what lasts");
    }
    End::Ok
}

fn close(
    tape: &mut Tape,
    driver: &mut Driver,
    book: &mut Book,
    open: &Open,
    end: End,
    before: (usize, usize),
) -> End {
    let fault = tape.fault();
    book.tell(|| format!("close {end:?} {fault:?}"));
    // Once in a while another session stands here.
    let end = if tape.pick(60) == 59 && !driver.is_swapped {
        let mut other = Driver::new(Toy::new(driver.toy.marking));
        std::mem::swap(&mut driver.ledger, &mut other.ledger);
        let end = driver.close(open, end, None);
        assert!(end != End::Ok, "a level was closed in another session");
        assert!(
            driver.ledger.check_usable().is_ok(),
            "the other one did nothing"
        );
        std::mem::swap(&mut driver.ledger, &mut other.ledger);
        assert!(
            driver.ledger.check_usable().is_err(),
            "nobody will end its transaction"
        );
        book.tell(|| "swapped".to_owned());
        // Whoever finds it so drops it, and its connection with it.
        driver.toy.forget();
        abandon(driver);
        end
    } else {
        driver.close(open, end, fault)
    };
    if end != End::Ok {
        book.undo_to(before);
    }
    end
}

fn abandon(driver: &mut Driver) {
    driver.is_swapped = true;
    let mut fresh = Driver::new(Toy::new(driver.toy.marking));
    std::mem::swap(&mut driver.ledger, &mut fresh.ledger);
}

fn step(tape: &mut Tape, driver: &mut Driver, book: &mut Book, depth: u32) -> End {
    let end = match tape.pick(9) {
        _ if driver.is_swapped => End::Err,
        0 | 1 => operation(tape, driver, book, true),
        2..=4 => operation(tape, driver, book, false),
        5 if depth < 5 => transaction(tape, driver, book, depth),
        5 | 6 => {
            let raw = tape.raw(driver.toy.marking, driver.ledger.depth());
            book.tell(|| format!("lend {raw:?}"));
            driver.lend(raw);
            End::Ok
        }
        7 => {
            book.next_row += 1;
            let closure = book.next_row;
            book.tell(|| format!("before the commit {closure}"));
            book.waiting.push(closure);
            driver.ledger.wait_for_commit(closure);
            End::Ok
        }
        _ => End::Ok,
    };
    // Errors and panics of something further in may be passed over.
    if end != End::Ok && tape.pick(2) == 1 {
        book.tell(|| "passed over".to_owned());
        return End::Ok;
    }
    end
}

/// An operation of a repository: queues effects, writes, and may fail at each point.
fn operation(tape: &mut Tape, driver: &mut Driver, book: &mut Book, can_be_undone: bool) -> End {
    book.next_row += 1;
    let row = book.next_row;
    let before = book.mark();
    book.tell(|| format!("operation {row}, {can_be_undone}"));
    if let Err(end) = driver.before_write() {
        return end;
    }
    let open = if can_be_undone {
        driver.begin(tape.fault())
    } else {
        driver.begin_bare()
    };
    let open = match open {
        Ok(open) => open,
        Err(end) => return end,
    };
    book.begun.insert(row);
    driver.queue(Phase::AfterRollback, row);
    let fault = tape.fault();
    book.tell(|| format!("write {fault:?}"));
    let mut end = tape.end();
    if end == End::Ok {
        end = driver.write(row, fault).err().unwrap_or(End::Ok);
        if end == End::Ok {
            driver.queue(Phase::AfterCommit, row);
            end = tape.end();
        }
    }
    if end == End::Ok {
        book.lasting.push(row);
    }
    if can_be_undone {
        return close(tape, driver, book, &open, end, before);
    }
    book.tell(|| format!("close bare {end:?}"));
    driver.close(&open, end, None)
}
