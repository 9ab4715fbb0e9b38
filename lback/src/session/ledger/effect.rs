//! Effects: what waits for the outermost transaction to end.

use std::collections::VecDeque;

use super::state::States;
use crate::receiver::{Phase, Registration};

/// The default bound, of [`Session::with_max_generations`](crate::Session::with_max_generations).
pub(super) const MAX_GENERATIONS: u32 = 16;

/// One call that waits.
pub(in crate::session) struct Effect<W> {
    pub(in crate::session) phase: Phase,
    /// The receiver, or `None` for a closure given to `on_commit` or `on_rollback`.
    pub(in crate::session) receiver: Option<&'static Registration>,
    /// One more than that of the effect which queued it.
    pub(in crate::session) generation: u32,
    /// What was in force when it was queued.
    pub(in crate::session) states: States,
    pub(in crate::session) sequence: u64,
    /// What is to be done.
    pub(in crate::session) work: W,
}

/// How many effects were queued at some moment.
#[derive(Clone, Copy)]
pub(in crate::session) struct Mark(usize);

/// The effects of a session.
pub(in crate::session) struct Effects<W> {
    /// Of the open transaction, as queued.
    queue: Vec<Effect<W>>,
    /// After-rollback effects of what has been undone in the open transaction.
    undone: Vec<Effect<W>>,
    /// Ready to run, in this order.
    ready: VecDeque<Effect<W>>,
    /// Those that will not run. What they hold is the user's, and may panic when it is dropped, so the
    /// driver drops it, once the transaction has ended.
    discarded: Vec<Effect<W>>,
    next_sequence: u64,
    /// Whether [`ready`](Self::ready) is being run.
    pub(in crate::session) draining: bool,
    /// That of the effect at work; 0 outside of effects.
    pub(in crate::session) generation: u32,
    pub(in crate::session) max_generations: u32,
}

impl<W> Effects<W> {
    pub(super) fn new() -> Self {
        Self {
            queue: Vec::new(),
            undone: Vec::new(),
            ready: VecDeque::new(),
            discarded: Vec::new(),
            next_sequence: 0,
            draining: false,
            generation: 0,
            max_generations: MAX_GENERATIONS,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.queue.len())
    }

    /// Whether another generation may be queued.
    pub(in crate::session) fn may_queue(&self) -> bool {
        self.generation < self.max_generations
    }

    pub(in crate::session) fn effect(
        &mut self,
        phase: Phase,
        receiver: Option<&'static Registration>,
        states: States,
        work: W,
    ) -> Effect<W> {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let generation = self.generation + 1;
        Effect {
            phase,
            receiver,
            generation,
            states,
            sequence,
            work,
        }
    }

    pub(in crate::session) fn push(&mut self, effect: Effect<W>) {
        self.queue.push(effect);
    }

    /// Whether any effect waits for the open transaction.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether any effect waits that will run if the transaction does not last.
    pub(super) fn has_laments(&self) -> bool {
        let mut queue = self.queue.iter();
        queue.any(|effect| effect.phase == Phase::AfterRollback)
    }

    /// What was queued since `mark` has been undone: it forgets its after-commit effects, and its
    /// after-rollback effects will run.
    pub(super) fn undo_to(&mut self, mark: Mark) {
        if mark.0 >= self.queue.len() {
            return;
        }
        for effect in self.queue.drain(mark.0..) {
            match effect.phase {
                Phase::AfterRollback => self.undone.push(effect),
                Phase::AfterCommit | Phase::InTransaction | Phase::Durable => {
                    self.discarded.push(effect);
                }
            }
        }
    }

    /// What was queued since `mark` belongs to something that failed, and whose rows may still be in the
    /// open transaction. It forgets its after-commit effects; whether its after-rollback effects will
    /// run depends on how the level around it ends.
    pub(super) fn spoil_to(&mut self, mark: Mark) {
        let mut at = mark.0;
        while at < self.queue.len() {
            match self.queue[at].phase {
                Phase::AfterRollback => at += 1,
                Phase::AfterCommit | Phase::InTransaction | Phase::Durable => {
                    let effect = self.queue.remove(at);
                    self.discarded.push(effect);
                }
            }
        }
    }

    /// The outermost level lasts: first the after-rollback effects of what was undone inside it,
    /// then the after-commit ones.
    #[inline]
    pub(super) fn outermost_committed(&mut self) {
        if !self.queue.is_empty() || !self.undone.is_empty() {
            self.make_lasting_ready();
        }
    }

    // Not a part of `outermost_committed`: where nothing waits, a session would pay for its frame.
    #[inline(never)]
    fn make_lasting_ready(&mut self) {
        self.make_undone_ready();
        for effect in self.queue.drain(..) {
            match effect.phase {
                Phase::AfterCommit => self.ready.push_back(effect),
                Phase::AfterRollback | Phase::InTransaction | Phase::Durable => {
                    self.discarded.push(effect);
                }
            }
        }
    }

    /// The outermost level does not last.
    pub(super) fn outermost_rolled_back(&mut self) {
        self.undo_to(Mark(0));
        self.make_undone_ready();
    }

    /// Nobody knows whether the outermost level lasts. What was undone before is still certain.
    pub(super) fn outermost_unknown(&mut self) {
        self.discarded.append(&mut self.queue);
        self.make_undone_ready();
    }

    fn make_undone_ready(&mut self) {
        // An inner level is undone before the outer one that was queued earlier.
        self.undone.sort_by_key(|effect| effect.sequence);
        self.ready.extend(self.undone.drain(..));
    }

    pub(in crate::session) fn next_ready(&mut self) -> Option<Effect<W>> {
        self.ready.pop_front()
    }

    /// One that will not run, to be dropped.
    pub(in crate::session) fn next_discarded(&mut self) -> Option<Effect<W>> {
        self.discarded.pop()
    }

    /// Nothing waits any more, and nothing will run.
    pub(in crate::session) fn discard_all(&mut self) {
        self.discarded.append(&mut self.queue);
        self.discarded.append(&mut self.undone);
        self.discarded.extend(self.ready.drain(..));
    }

    #[inline]
    pub(in crate::session) fn has_discarded(&self) -> bool {
        !self.discarded.is_empty()
    }

    /// Makes ready what waits for no transaction, because none is open.
    pub(in crate::session) fn push_ready(&mut self, effect: Effect<W>) {
        self.ready.push_back(effect);
    }

    #[inline]
    pub(in crate::session) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes out what is ready, while a capture is in force.
    pub(in crate::session) fn take_ready(&mut self) -> VecDeque<Effect<W>> {
        std::mem::take(&mut self.ready)
    }

    /// Forgets what is ready, and makes `before` ready again.
    pub(in crate::session) fn put_back(&mut self, before: VecDeque<Effect<W>>) {
        let forgotten = std::mem::replace(&mut self.ready, before);
        self.discarded.extend(forgotten);
    }

    /// What was queued since `start` and still waits, in that order.
    pub(in crate::session) fn since(&self, start: u64) -> impl Iterator<Item = &Effect<W>> {
        let waiting = self.ready.iter().chain(&self.undone).chain(&self.queue);
        let mut waiting: Vec<_> = waiting.filter(|effect| effect.sequence >= start).collect();
        waiting.sort_by_key(|effect| effect.sequence);
        waiting.into_iter()
    }

    pub(in crate::session) fn sequence(&self) -> u64 {
        self.next_sequence
    }
}
