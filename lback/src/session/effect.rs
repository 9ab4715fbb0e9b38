//! Effects: what waits for the outermost transaction to end.

use std::collections::VecDeque;

use super::state::States;
use super::{PendingEffect, Session, SessionConnection};
use crate::receiver::{Outcome, Phase, Registration};

/// The default bound, of [`Session::with_max_generations`](crate::Session::with_max_generations).
pub(super) const MAX_GENERATIONS: u32 = 16;

pub(super) type Run<C> = Box<dyn FnOnce(&mut Session<C>) -> Outcome + Send>;

/// One call that waits.
pub(super) struct Effect<C: SessionConnection> {
    pub(super) phase: Phase,
    /// The receiver, or `None` for a closure given to `on_commit` or `on_rollback`.
    pub(super) receiver: Option<&'static Registration>,
    /// One more than that of the effect which queued it.
    pub(super) generation: u32,
    /// What was in force when it was queued.
    pub(super) states: States,
    pub(super) sequence: u64,
    pub(super) run: Run<C>,
}

impl<C: SessionConnection> Effect<C> {
    pub(super) fn pending(&self) -> PendingEffect {
        PendingEffect {
            receiver: self.receiver,
            phase: self.phase,
        }
    }
}

/// How many effects were queued at some moment.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// The effects of a session.
pub(super) struct Effects<C: SessionConnection> {
    /// Of the open transaction, as queued.
    queue: Vec<Effect<C>>,
    /// After-rollback effects of what has been undone in the open transaction.
    undone: Vec<Effect<C>>,
    /// Ready to run, in this order.
    ready: VecDeque<Effect<C>>,
    next_sequence: u64,
    /// Whether [`ready`](Self::ready) is being run.
    pub(super) draining: bool,
    /// That of the effect at work; 0 outside of effects.
    pub(super) generation: u32,
    pub(super) max_generations: u32,
}

impl<C: SessionConnection> Effects<C> {
    pub(super) fn new() -> Self {
        Self {
            queue: Vec::new(),
            undone: Vec::new(),
            ready: VecDeque::new(),
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
    pub(super) fn may_queue(&self) -> bool {
        self.generation < self.max_generations
    }

    pub(super) fn effect(
        &mut self,
        phase: Phase,
        receiver: Option<&'static Registration>,
        states: States,
        run: Run<C>,
    ) -> Effect<C> {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let generation = self.generation + 1;
        Effect {
            phase,
            receiver,
            generation,
            states,
            sequence,
            run,
        }
    }

    pub(super) fn push(&mut self, effect: Effect<C>) {
        self.queue.push(effect);
    }

    /// Whether any effect waits for the open transaction.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What was queued since `mark` has been undone: it forgets its after-commit effects, and its
    /// after-rollback effects will run.
    pub(super) fn undo_to(&mut self, mark: Mark) {
        if mark.0 < self.queue.len() {
            let undone = self.queue.drain(mark.0..);
            self.undone
                .extend(undone.filter(|effect| effect.phase == Phase::AfterRollback));
        }
    }

    /// The outermost level lasts: first the after-rollback effects of what was undone inside it,
    /// then the after-commit ones.
    pub(super) fn outermost_committed(&mut self) {
        if self.queue.is_empty() && self.undone.is_empty() {
            return;
        }
        self.make_undone_ready();
        let lasting = self.queue.drain(..);
        self.ready
            .extend(lasting.filter(|effect| effect.phase == Phase::AfterCommit));
    }

    /// The outermost level does not last.
    pub(super) fn outermost_rolled_back(&mut self) {
        self.undo_to(Mark(0));
        self.make_undone_ready();
    }

    /// Nobody knows whether the outermost level lasts. What was undone before is still certain.
    pub(super) fn outermost_unknown(&mut self) {
        self.queue.clear();
        self.make_undone_ready();
    }

    fn make_undone_ready(&mut self) {
        // An inner level is undone before the outer one that was queued earlier.
        self.undone.sort_by_key(|effect| effect.sequence);
        self.ready.extend(self.undone.drain(..));
    }

    pub(super) fn next_ready(&mut self) -> Option<Effect<C>> {
        self.ready.pop_front()
    }

    /// Makes ready what waits for no transaction, because none is open.
    pub(super) fn push_ready(&mut self, effect: Effect<C>) {
        self.ready.push_back(effect);
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes out what is ready, while a capture is in force.
    pub(super) fn take_ready(&mut self) -> VecDeque<Effect<C>> {
        std::mem::take(&mut self.ready)
    }

    /// Forgets what is ready, and makes `before` ready again.
    pub(super) fn put_back(&mut self, before: VecDeque<Effect<C>>) {
        self.ready = before;
    }

    /// What was queued since `start` and still waits, in that order.
    pub(super) fn since(&self, start: u64) -> Vec<(u64, PendingEffect)> {
        let waiting = self.ready.iter().chain(&self.undone).chain(&self.queue);
        let mut pending: Vec<_> = waiting
            .filter(|effect| effect.sequence >= start)
            .map(|effect| (effect.sequence, effect.pending()))
            .collect();
        pending.sort_by_key(|(sequence, _)| *sequence);
        pending
    }

    pub(super) fn sequence(&self) -> u64 {
        self.next_sequence
    }
}
