//! What the files beside the ledger do, on the toy: the same questions in the same order.

use std::cmp::Ordering;

use super::toy::{Failed, Fault, Raw, Toy};
use crate::receiver::Phase;
use crate::session::ledger::{
    Cause, Guarding, Kind, Ledger, Note, Open, Swapped, Then, Trust, give_up,
};

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Ok,
    Err,
    Panic,
    /// Nobody knows whether it was committed.
    Unknown,
}

/// What waits in the ledger, and what is noted: the row that it is about.
pub(super) type Row = u32;

/// Every row is written once here; how notes of one row are joined is tried in `journal`.
impl Note for Row {
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn may_join(&self, _: &Self) -> bool {
        unreachable!("a row is written once")
    }

    fn join(&mut self, _: &mut Self) {
        unreachable!("a row is written once")
    }
}

pub(super) struct Driver {
    pub(super) ledger: Ledger<Row, Row>,
    pub(super) toy: Toy,
    pub(super) reached: Vec<&'static str>,
    /// Whether anybody ended the transaction in a way that leaves open what is stored.
    pub(super) is_unsure: bool,
    /// Whether anybody else had the connection.
    pub(super) is_lent: bool,
    /// Whether the session was swapped with another: what follows is that one's affair.
    pub(super) is_swapped: bool,
}

impl Driver {
    pub(super) fn new(toy: Toy) -> Self {
        Self {
            ledger: Ledger::new(),
            toy,
            reached: Vec::new(),
            is_unsure: false,
            is_lent: false,
            is_swapped: false,
        }
    }

    fn check_usable(&mut self) -> bool {
        self.look();
        let is_usable = self.ledger.check_usable().is_ok();
        if !is_usable {
            self.reached.push("refused");
        }
        is_usable
    }

    fn look(&mut self) {
        if self.ledger.is_doubtful() && self.ledger.is_in_transaction() && self.ledger.is_alive() {
            match self.toy.depth() {
                Some(depth) if depth < self.ledger.depth_of_connection() => {
                    let then = self.ledger.vanished();
                    self.follow(then);
                }
                Some(_) => {}
                None => self.ledger.break_off(),
            }
        }
    }

    fn follow(&mut self, then: Then) {
        match then {
            Then::GoOn => {}
            Then::Sink => {
                self.reached.push(if self.ledger.was_lent() {
                    "ended by a raw statement"
                } else {
                    "ended by the database"
                });
                self.toy.open_sink();
            }
            Then::GiveUp => {
                self.reached.push("broken");
                self.ledger.break_off();
            }
        }
    }

    fn ask(&mut self) {
        let standing = self.toy.standing();
        let then = self.ledger.failed(standing, false);
        self.follow(then);
        match &self.ledger.trust {
            Trust::Aborted(cause) if *cause == Cause::FAILED => self.reached.push("aborted"),
            Trust::Aborted(cause) if *cause == Cause::HALF_DONE => self.reached.push("half done"),
            _ => {}
        }
    }

    pub(super) fn begin(&mut self, fault: Option<Fault>) -> Result<Open, End> {
        if !self.check_usable() {
            return Err(End::Err);
        }
        if self.ledger.is_doubtful() {
            if self.toy.depth() != Some(self.ledger.depth_of_connection()) {
                return Err(End::Err);
            }
            self.before_write()?;
        }
        let Ok(kind) = self.ledger.opening() else {
            return Err(End::Err);
        };
        let begun = match kind {
            Kind::Outermost => self.toy.begin(fault),
            _ => self.toy.savepoint(fault),
        };
        match begun {
            Ok(()) => Ok(self.ledger.opened(kind, false)),
            Err(Failed::Error) => {
                self.ask();
                Err(End::Err)
            }
            Err(Failed::Panic) => {
                if kind == Kind::Outermost {
                    self.toy.forget();
                } else {
                    self.ledger.abort(Cause::UNMARKED);
                }
                Err(End::Panic)
            }
        }
    }

    pub(super) fn begin_bare(&mut self) -> Result<Open, End> {
        if self.check_usable() {
            Ok(self.ledger.opened(Kind::Bare, false))
        } else {
            Err(End::Err)
        }
    }

    pub(super) fn queue(&mut self, phase: Phase, row: Row) {
        let states = self.ledger.states.clone();
        let effect = self.ledger.effects.effect(phase, None, states, row);
        self.ledger.effects.push(effect);
    }

    fn mark(&mut self, guarding: Guarding, is_lent: bool) -> Result<(), End> {
        match self.toy.set_mark(guarding) {
            Ok(()) if guarding == Guarding::Look => {
                self.ledger.looked();
                Ok(())
            }
            Ok(()) => {
                self.ledger.marked(is_lent);
                Ok(())
            }
            Err(Failed::Panic) => Err(End::Panic),
            Err(Failed::Error) => {
                self.ask();
                if guarding == Guarding::Move && self.ledger.is_sound() {
                    let then = self.ledger.missing();
                    self.follow(then);
                    self.reached.push("mark missed");
                }
                self.ledger.abort(Cause::UNMARKED);
                Err(End::Err)
            }
        }
    }

    /// Whether what was noted can be told: nothing speaks against the commit yet.
    pub(super) fn may_tell(&mut self) -> bool {
        self.check_usable() && self.toy.depth() == Some(self.ledger.depth_of_connection())
    }

    pub(super) fn before_write(&mut self) -> Result<(), End> {
        match self.ledger.writing(self.toy.marking) {
            Guarding::None => Ok(()),
            guarding => self.mark(guarding, false),
        }
    }

    pub(super) fn write(&mut self, row: Row, fault: Option<Fault>) -> Result<(), End> {
        if !self.check_usable() {
            return Err(End::Err);
        }
        self.before_write()?;
        self.ledger.note_write();
        match self.toy.write(row, fault) {
            Ok(()) => {
                assert!(self.ledger.note(row).is_ok(), "there is room");
                Ok(())
            }
            Err(Failed::Panic) => Err(End::Panic),
            Err(Failed::Error) => {
                self.ask();
                if self.ledger.is_sound() {
                    self.ledger.note_no_write();
                }
                Err(End::Err)
            }
        }
    }

    pub(super) fn lend(&mut self, raw: Option<Raw>) {
        self.look();
        self.is_lent = true;
        match self.ledger.lending(self.toy.marking) {
            Guarding::None => {}
            guarding => {
                // It says so at the next operation.
                let _ = self.mark(guarding, true);
            }
        }
        if let Some(raw) = raw {
            if raw != Raw::Failure && raw != Raw::Savepoint && self.ledger.is_alive() {
                self.is_unsure = true;
            }
            self.toy.raw(raw);
        }
    }

    /// Ends a level. `fault` is that of the statement that ends it.
    pub(super) fn close(&mut self, open: &Open, end: End, fault: Option<Fault>) -> End {
        match self.ledger.closing(open) {
            Err(Swapped) => {
                self.reached.push("swapped");
                give_up(open.ledger());
                if end == End::Ok { End::Err } else { end }
            }
            Ok(Kind::Bare) if end == End::Ok => {
                self.ledger.bare_done();
                end
            }
            Ok(Kind::Bare) => {
                self.ledger.bare_failed();
                end
            }
            Ok(Kind::Savepoint) if end == End::Ok => self.release(fault),
            Ok(Kind::Savepoint) => {
                self.undo_savepoint(fault);
                end
            }
            Ok(Kind::Outermost) if end == End::Ok => self.commit(fault),
            Ok(Kind::Outermost) => {
                self.undo_outermost(fault);
                end
            }
        }
    }

    fn check_failed(&mut self) {
        let was_lent = self.ledger.was_lent();
        self.ask();
        if was_lent && self.ledger.is_sound() {
            let then = self.ledger.missing();
            self.follow(then);
            self.reached.push("mark missed");
        }
    }

    fn release(&mut self, fault: Option<Fault>) -> End {
        if !self.check_usable() || self.toy.depth() != Some(self.ledger.depth_of_connection()) {
            self.undo_savepoint(None);
            return End::Err;
        }
        let end = match self.toy.release(fault) {
            Ok(()) => {
                self.ledger.released();
                return End::Ok;
            }
            Err(Failed::Error) => {
                self.check_failed();
                End::Err
            }
            Err(Failed::Panic) => End::Panic,
        };
        self.undo_savepoint(None);
        end
    }

    fn commit(&mut self, fault: Option<Fault>) -> End {
        let must_probe = self.ledger.must_probe();
        let mut is_sure =
            self.check_usable() && self.toy.depth() == Some(self.ledger.depth_of_connection());
        if is_sure && must_probe {
            let is_marked = self.ledger.guarding() == Guarding::Set;
            if self.toy.probe(self.ledger.was_lent(), is_marked).is_err() {
                self.check_failed();
                if is_marked && self.ledger.is_alive() && !self.toy.is_marked() {
                    let then = self.ledger.missing();
                    self.follow(then);
                    self.reached.push("mark missed");
                }
                is_sure = false;
            } else {
                self.ledger.proved();
            }
        }
        if !is_sure {
            self.undo_outermost(None);
            return End::Err;
        }
        match self.toy.commit(fault) {
            Ok(()) => {
                self.ledger.committed();
                self.toy.unguard();
                End::Ok
            }
            Err(Failed::Error) if self.toy.depth().is_none() => {
                self.ledger.break_off();
                self.ledger.unknown();
                End::Unknown
            }
            Err(Failed::Error) => {
                self.reached.push("COMMIT failed");
                self.roll_back_outermost(None);
                End::Err
            }
            Err(Failed::Panic) => {
                self.reached.push("panic beside COMMIT");
                if self.toy.is_inside() {
                    self.roll_back_outermost(None);
                    return End::Panic;
                }
                self.ledger.unknown();
                self.toy.forget();
                End::Unknown
            }
        }
    }

    fn undo_savepoint(&mut self, fault: Option<Fault>) {
        self.look();
        let was_aborted = matches!(self.ledger.trust, Trust::Aborted(_));
        let target = self.ledger.depth_of_connection() - 1;
        let is_whole = self.unwind_to(target, fault);
        self.ledger.undone(is_whole);
        if was_aborted && self.ledger.is_sound() {
            self.reached.push("healed");
        }
    }

    fn undo_outermost(&mut self, fault: Option<Fault>) {
        self.look();
        if self.ledger.must_look_back() && !self.toy.is_marked() {
            let then = self.ledger.missing();
            self.follow(then);
        }
        self.roll_back_outermost(fault);
    }

    fn roll_back_outermost(&mut self, fault: Option<Fault>) {
        self.unwind_to(0, fault);
        self.ledger.rolled_back();
        self.toy.unguard();
    }

    fn unwind_to(&mut self, target: u32, mut fault: Option<Fault>) -> bool {
        let mut is_whole = true;
        let mut has_panicked = false;
        loop {
            match self.toy.depth() {
                None => {
                    self.ledger.break_off();
                    return false;
                }
                Some(depth) if depth <= target => return is_whole,
                Some(_) => {}
            }
            match self.toy.roll_back(fault.take()) {
                Ok(()) => {}
                Err(Failed::Error) => {
                    is_whole = false;
                    self.ask();
                    let then = self.ledger.missing();
                    self.follow(then);
                }
                Err(Failed::Panic) => {
                    if std::mem::replace(&mut has_panicked, true) {
                        self.ledger.break_off();
                        return false;
                    }
                }
            }
        }
    }
}
