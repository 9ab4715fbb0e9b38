//! The ledger: all that a session knows about its transaction, with one owner.
//!
//! It decides, and does nothing itself. It has no connection, no SQL and no signal. A driver asks it
//! what comes next, does that through the connection, and tells it what came of that:
//!
//! | the driver asks | and then tells |
//! |---|---|
//! | [`opening`](Ledger::opening): which kind of level is this? | [`opened`](Ledger::opened) |
//! | [`lending`](Ledger::lending), [`writing`](Ledger::writing): is a mark needed first? | [`marked`](Ledger::marked) |
//! | | [`failed`](Ledger::failed): a statement failed, and this is where the connection stands now |
//! | [`closing`](Ledger::closing): which level is this, and is it the one that was opened last? | [`released`](Ledger::released), [`undone`](Ledger::undone), [`committed`](Ledger::committed), [`rolled_back`](Ledger::rolled_back), [`unknown`](Ledger::unknown) |
//!
//! Levels are pushed by `opened` and popped by what is told at their end, so every level ends once.
//! What waits for the end of the transaction ([`Effects`], [`Journal`], [`Parcels`]) and whether the transaction can still be
//! believed ([`Trust`]) change nowhere else. No call waits for anything, so that a driver on
//! asynchronous connections can use the same ledger.

mod chain;
mod effect;
mod guard;
mod identity;
mod journal;
mod parcel;
mod stack;
mod state;
#[cfg(test)]
mod tests;
mod trust;

pub(crate) use self::chain::{Chain, Link};
pub(super) use self::effect::{Effect, Effects};
use self::guard::Guard;
pub(crate) use self::guard::{Guarding, Marking};
pub(super) use self::identity::give_up;
pub(super) use self::journal::{Entry, Journal, Note, later_of, rows};
pub(crate) use self::parcel::Parcel;
pub(super) use self::parcel::Parcels;
pub(super) use self::stack::Kind;
pub(crate) use self::stack::Open;
pub(super) use self::state::States;
pub(super) use self::trust::Cause;
pub(crate) use self::trust::Standing;
pub(super) use self::trust::Then;

use self::identity::Identity;
use self::stack::{Mark, Stack};
use self::trust::Trust;
use crate::error::{Error, Result};

/// See the [module](self). `W` is the work of an effect, which only the driver can do; `N` what is noted
/// of a row that was written, of which the ledger knows only which row that is.
pub(crate) struct Ledger<W, N> {
    identity: Identity,
    /// How many levels were open on the connection before: those of a test transaction.
    base: u32,
    stack: Stack,
    trust: Trust,
    guard: Guard,
    /// Whether something happened that can have ended the open transaction unseen.
    is_doubtful: bool,
    /// How often something may have been written: by the framework, or through the connection.
    writings: u64,
    pub(super) effects: Effects<W>,
    pub(super) journal: Journal<N, W>,
    pub(super) parcels: Parcels,
    pub(crate) chain: Chain,
    pub(super) states: States,
}

/// A level that is closed is not the one that was opened last in this session: two sessions have
/// changed places inside a closure.
pub(super) struct Swapped;

impl<W, N> Ledger<W, N> {
    pub(super) fn new() -> Self {
        Self {
            identity: Identity::new(),
            base: 0,
            stack: Stack::new(),
            trust: Trust::Sound,
            guard: Guard::Unlent,
            is_doubtful: false,
            writings: 0,
            effects: Effects::new(),
            journal: Journal::new(),
            parcels: Parcels::default(),
            chain: Chain::new(),
            states: States::default(),
        }
    }

    /// What tells this ledger from every other of the process.
    pub(super) fn identity(&self) -> u64 {
        self.identity.number()
    }

    pub(super) fn set_base(&mut self, levels: u32) {
        self.base = levels;
    }

    pub(super) fn base(&self) -> u32 {
        self.base
    }

    pub(super) fn set_max_levels(&mut self, limit: u32) {
        self.stack.limit = limit;
    }

    /// A number that changes when something may have been written.
    #[inline]
    pub(super) fn writings(&self) -> u64 {
        self.writings
    }

    /// How many levels with a statement of their own are open.
    #[inline]
    pub(super) fn depth(&self) -> u32 {
        self.stack.depth()
    }

    /// How many levels should be open on the connection.
    #[inline]
    pub(super) fn depth_of_connection(&self) -> u32 {
        self.base + self.depth()
    }

    #[inline]
    pub(super) fn is_in_transaction(&self) -> bool {
        self.depth() > 0
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self.trust, Trust::Broken)
    }

    /// Whether the transaction is neither over nor lost, as far as is known: then it can still turn
    /// out to be.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.trust, Trust::Sound | Trust::Aborted(_))
    }

    pub(super) fn is_sound(&self) -> bool {
        matches!(self.trust, Trust::Sound)
    }

    /// Whether the connection should be looked at before the transaction is believed.
    #[inline]
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Whether the connection was lent out in the open transaction.
    pub(super) fn was_lent(&self) -> bool {
        self.guard.was_lent()
    }

    /// Whether anything may be done: the transaction can be believed, the connection is there, and
    /// this session was not swapped with another.
    #[inline]
    pub(super) fn check_usable(&mut self) -> Result<()> {
        if self.identity.is_given_up() {
            self.trust = Trust::Broken;
        }
        self.trust.check()
    }

    pub(super) fn check_writable(&mut self) -> Result<()> {
        self.check_usable()?;
        if self.stack.is_read_only() {
            return Err(Error::ReadOnly);
        }
        Ok(())
    }

    /// Fails if no level is open, not even a bare one: whoever believes to be in one holds another session.
    #[inline]
    pub(super) fn check_level(&self) -> Result<()> {
        match self.stack.top() {
            Some(_) => Ok(()),
            None => Err(Error::SessionSwapped),
        }
    }

    /// Whether the innermost level has no statement by which it could be undone.
    pub(super) fn is_bare(&self) -> bool {
        let level = self.stack.top();
        level.is_some_and(|level| level.kind == Kind::Bare)
    }

    /// Whether the innermost level refuses writes.
    pub(super) fn is_read_only(&self) -> bool {
        self.stack.is_read_only()
    }

    /// Which kind of level comes next. `Bare` is not asked for: whoever needs no statement knows.
    pub(super) fn opening(&mut self) -> Result<Kind> {
        self.check_usable()?;
        self.stack.next()
    }

    /// A level is open, whose statement, if it has one, was executed.
    #[inline]
    pub(super) fn opened(&mut self, kind: Kind, is_read_only: bool) -> Open {
        if kind == Kind::Outermost {
            self.is_doubtful = false;
            self.guard = Guard::Unlent;
        }
        let mark = Mark {
            effects: self.effects.mark(),
            journal: self.journal.mark(),
            parcels: self.parcels.mark(),
        };
        let link = self.chain.link();
        let height = self.stack.push(kind, mark, link, is_read_only);
        Open::new(self.identity(), height)
    }

    /// Which kind of level `open` is. The chain of receivers is back where it was when it was
    /// opened.
    #[inline]
    pub(super) fn closing(&mut self, open: &Open) -> std::result::Result<Kind, Swapped> {
        match self.stack.top() {
            Some(level) if open.is(self.identity.number(), self.stack.height()) => {
                self.chain.restore(level.link);
                Ok(level.kind)
            }
            _ => Err(Swapped),
        }
    }

    /// A bare level came to `Ok`.
    #[inline]
    pub(super) fn bare_done(&mut self) {
        self.stack.pop();
        if !self.is_in_transaction() {
            self.effects.outermost_committed();
        }
    }

    /// A bare level failed or panicked. There is nothing to roll it back with, so if its statement
    /// was executed, the level around it holds half an operation, and must not commit.
    #[cold]
    pub(super) fn bare_failed(&mut self) {
        let Some(level) = self.stack.pop() else {
            return;
        };
        self.journal.undo_to(level.mark.journal);
        self.parcels.undo_to(level.mark.parcels);
        if self.is_in_transaction() && level.has_written {
            self.effects.spoil_to(level.mark.effects);
            self.trust.abort(Cause::HALF_DONE);
        } else if self.is_in_transaction() {
            self.effects.undo_to(level.mark.effects);
        } else if self.is_broken() && self.base == 0 {
            self.effects.outermost_unknown();
        } else {
            self.effects.outermost_rolled_back();
        }
    }

    /// A savepoint was released: what waits belongs to the level around it.
    #[inline]
    pub(super) fn released(&mut self) {
        if let Some(level) = self.stack.pop() {
            self.stack.inherit(&level);
        }
        self.guard.left_for(self.depth());
    }

    /// A savepoint was rolled back; `is_whole` says whether the connection did all of it.
    pub(super) fn undone(&mut self, is_whole: bool) {
        let Some(level) = self.stack.pop() else {
            return;
        };
        self.guard.left_for(self.depth());
        self.journal.undo_to(level.mark.journal);
        self.parcels.undo_to(level.mark.parcels);
        if is_whole {
            self.effects.undo_to(level.mark.effects);
            self.trust.heal();
        } else {
            self.effects.spoil_to(level.mark.effects);
            self.trust.doubt();
        }
    }

    /// The outermost level has really been committed.
    pub(super) fn committed(&mut self) -> Guarding {
        self.effects.outermost_committed();
        self.ended()
    }

    /// The outermost level did not last.
    pub(super) fn rolled_back(&mut self) -> Guarding {
        self.effects.outermost_rolled_back();
        self.ended()
    }

    /// Nobody can tell whether the outermost level lasts.
    pub(super) fn unknown(&mut self) -> Guarding {
        self.effects.outermost_unknown();
        self.ended()
    }

    fn ended(&mut self) -> Guarding {
        self.journal.clear();
        self.parcels.clear();
        self.stack.clear();
        self.is_doubtful = false;
        self.trust.renew();
        std::mem::replace(&mut self.guard, Guard::Unlent).guarding()
    }

    /// A statement failed, and the connection stands like this now.
    #[cold]
    pub(super) fn failed(&mut self, standing: Standing, is_transient: bool) -> Then {
        self.is_doubtful = true;
        match standing {
            Standing::Lost => {
                self.trust = Trust::Broken;
                Then::GiveUp
            }
            _ if !self.is_in_transaction() || !self.is_alive() => Then::GoOn,
            Standing::Open => Then::GoOn,
            // What did not write has left no part.
            Standing::Partial if !self.stack.is_writing() => Then::GoOn,
            Standing::Partial => {
                self.trust.abort(Cause::HALF_DONE.retryable(is_transient));
                Then::GoOn
            }
            Standing::Aborted => {
                self.trust.abort(Cause::FAILED.retryable(is_transient));
                Then::GoOn
            }
            // A failure that the database names as the reason has ended it. Without a reason, it may
            // have been ended before, and committed, by whoever had the connection.
            Standing::Gone if is_transient || !self.was_lent() => {
                self.trust = Trust::Ended(Cause::ROLLED_BACK.retryable(is_transient));
                Then::Sink
            }
            Standing::Gone => self.vanished(),
        }
    }

    /// The transaction is not there any more, and nobody knows whether it was committed.
    #[cold]
    pub(super) fn vanished(&mut self) -> Then {
        if !self.is_in_transaction() || !self.is_alive() {
            return Then::GoOn;
        }
        self.effects.outermost_unknown();
        self.journal.clear();
        self.parcels.clear();
        self.trust = Trust::Ended(Cause::VANISHED);
        Then::Sink
    }

    /// A savepoint of ours that must be there is missing, or cannot be used.
    #[cold]
    pub(super) fn missing(&mut self) -> Then {
        if self.was_lent() {
            return self.vanished();
        }
        self.abort(Cause::STUCK);
        Then::GoOn
    }

    /// The level that is open cannot be believed any more, for a reason of the driver's.
    #[cold]
    pub(super) fn abort(&mut self, cause: Cause) {
        if self.is_in_transaction() {
            self.trust.abort(cause);
        }
    }

    /// Neither the connection nor the session can be used any more.
    #[cold]
    pub(super) fn break_off(&mut self) {
        self.trust = Trust::Broken;
    }

    /// The connection is about to be lent out: is a mark needed first?
    #[inline]
    pub(super) fn lending(&mut self, marking: Marking) -> Guarding {
        self.is_doubtful = true;
        self.writings += 1;
        if !self.is_in_transaction() || !self.is_alive() {
            return Guarding::None;
        }
        if !self.trust.takes_statements() {
            self.guard.lent_unmarked();
            return Guarding::None;
        }
        self.guard
            .lending(marking, self.stack.has_written, self.stack.depth())
    }

    /// A write of the framework's is about to happen: is a mark needed first?
    #[inline]
    pub(super) fn writing(&mut self, marking: Marking) -> Guarding {
        if !self.is_in_transaction() {
            return Guarding::None;
        }
        self.stack.has_written = true;
        self.guard.writing(marking, self.stack.depth())
    }

    /// The transaction was marked at its present depth.
    pub(super) fn marked(&mut self, is_lent: bool) {
        self.guard = Guard::marked(self.depth(), is_lent);
    }

    /// The transaction was looked at, and is open.
    pub(super) fn looked(&mut self) {
        self.guard.looked();
    }

    /// The transaction was asked just before its end, and is the one that was begun. Its mark is used
    /// up by that.
    pub(super) fn proved(&mut self) {
        self.guard.left_for(0);
    }

    /// How the open transaction is marked.
    pub(super) fn guarding(&self) -> Guarding {
        self.guard.guarding()
    }

    /// A statement that writes is being executed: should the level fail before it hears otherwise,
    /// something has been written.
    #[inline]
    pub(super) fn note_write(&mut self) {
        self.writings += 1;
        self.stack.note_write();
    }

    /// That statement has written nothing after all.
    #[inline]
    pub(super) fn note_no_write(&mut self) {
        self.stack.note_no_write();
    }

    /// Whether ROLLBACK must be preceded by a look whether it undoes all there was: effects wait for
    /// that, and somebody else had the connection.
    #[cold]
    pub(super) fn must_look_back(&self) -> bool {
        self.is_alive()
            && self.was_lent()
            && self.guarding() == Guarding::Set
            && self.effects.has_laments()
    }

    /// Something waits that is called at the end of the transaction, before it is committed.
    pub(super) fn wait_for_commit(&mut self, work: W) {
        let states = self.states.clone();
        self.journal.push_closure(states, &self.chain, work);
    }

    /// Whether anything is left of the transaction that is open.
    pub(super) fn has_discarded(&self) -> bool {
        self.effects.has_discarded() || self.journal.has_cut()
    }

    /// Whether COMMIT must be preceded by a look whether it can be believed.
    pub(super) fn must_probe(&self) -> bool {
        self.is_doubtful || self.effects.is_waiting()
    }
}

impl<W, N: Note> Ledger<W, N> {
    /// Fails if so many more rows cannot be noted.
    pub(super) fn check_changes(&mut self, more: usize) -> Result<()> {
        self.journal.check(more, self.stack.marks_of_journal())
    }

    /// A row was written.
    pub(super) fn note(&mut self, note: N) -> Result<()> {
        self.check_changes(1)?;
        let states = self.states.clone();
        self.journal.push(states, &self.chain, note);
        Ok(())
    }
}
