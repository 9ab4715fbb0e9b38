//! The journal: what was written in the open transaction, to be told once, before it commits.
//!
//! It is only appended to, and cut at the mark of a level that is undone. Which notes are about one row
//! is found out at the end ([`rows`]), so nothing has to be repaired when a savepoint is rolled back.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::chain::{Chain, Link};
use super::state::States;
use crate::error::{Error, Result};
use crate::receiver::Registration;

/// The default bound, of [`Session::with_max_changes`](crate::Session::with_max_changes).
const MAX_NOTES: usize = 1_000_000;

/// The default bound, of [`Session::with_max_rounds`](crate::Session::with_max_rounds).
const MAX_ROUNDS: u32 = 16;

/// From how many notes on those of one row are joined.
const JOINED_FROM: usize = 1_024;

/// How many receivers an [`Origin`] remembers.
const REMEMBERED: usize = 32;

/// What was noted of a write. The ledger knows of it only which row it is about.
pub(crate) trait Note {
    /// An order of rows: `Equal` if both are about the same.
    fn order(&self, other: &Self) -> Ordering;

    /// Whether `later`, of the same row, can be told together with this one wherever either is told.
    fn may_join(&self, later: &Self) -> bool;

    /// Takes over what `later` has left of the row. What is no longer needed is left in `later`.
    fn join(&mut self, later: &mut Self);
}

/// A note, or a closure, with what was in force.
pub(crate) struct Entry<T> {
    pub(in crate::session) states: States,
    /// What led to it, if that was told before the commit itself.
    pub(in crate::session) origin: Option<Arc<Origin>>,
    pub(in crate::session) item: T,
}

/// What led to something that was written while changes were told.
pub(in crate::session) struct Origin {
    /// After how many rounds.
    rounds: u32,
    /// The receivers that caused each other, or the latest of them.
    pub(super) chain: Vec<&'static Registration>,
}

/// How much there was at some moment.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    notes: usize,
    closures: usize,
}

/// What is being told.
struct Telling {
    /// The point of the chain of receivers from which it is told.
    link: Link,
    /// Why it is told.
    origin: Option<Arc<Origin>>,
}

/// What is noted of writes, and the closures that wait for the end of the transaction.
pub(crate) struct Journal<N, W> {
    notes: Vec<Entry<N>>,
    closures: VecDeque<Entry<W>>,
    /// What will not be told. It is the user's, and the driver drops it.
    cut_notes: Vec<Entry<N>>,
    cut_closures: Vec<Entry<W>>,
    telling: Option<Telling>,
    /// How many notes of this transaction were taken out to be told.
    taken: usize,
    /// At how many notes those of one row are joined next.
    join_at: usize,
    pub(in crate::session) max_notes: usize,
    pub(in crate::session) max_rounds: u32,
}

impl<N, W> Journal<N, W> {
    pub(super) fn new() -> Self {
        Self {
            notes: Vec::new(),
            closures: VecDeque::new(),
            cut_notes: Vec::new(),
            cut_closures: Vec::new(),
            telling: None,
            taken: 0,
            join_at: JOINED_FROM,
            max_notes: MAX_NOTES,
            max_rounds: MAX_ROUNDS,
        }
    }

    /// Joins the notes of a row at every write.
    #[cfg(test)]
    pub(super) fn join_always(&mut self) {
        self.join_at = 0;
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark {
            notes: self.notes.len(),
            closures: self.closures.len(),
        }
    }

    /// Whether anything is to be told.
    #[inline]
    pub(in crate::session) fn is_waiting(&self) -> bool {
        !self.notes.is_empty() || !self.closures.is_empty()
    }

    fn entry<T>(&self, states: States, chain: &Chain, item: T) -> Entry<T> {
        let origin = self.telling.as_ref().map(|telling| {
            let before = telling.origin.as_deref();
            let by = chain.called_since(telling.link);
            let known = before.map_or(&[][..], |origin| &origin.chain);
            let forgotten = (known.len() + 1).saturating_sub(REMEMBERED);
            Arc::new(Origin {
                rounds: before.map_or(0, |origin| origin.rounds) + 1,
                chain: known.iter().skip(forgotten).copied().chain(by).collect(),
            })
        });
        Entry {
            states,
            origin,
            item,
        }
    }

    pub(super) fn push_closure(&mut self, states: States, chain: &Chain, work: W) {
        let entry = self.entry(states, chain, work);
        self.closures.push_back(entry);
    }

    /// The next closure; asked for when no level is open but the outermost.
    pub(in crate::session) fn next_closure(&mut self) -> Option<Entry<W>> {
        self.closures.pop_front()
    }

    /// Takes out what is to be told next; also only then.
    pub(in crate::session) fn take(&mut self) -> Vec<Entry<N>> {
        self.taken += self.notes.len();
        self.join_at = self.join_at.min(JOINED_FROM);
        std::mem::take(&mut self.notes)
    }

    /// From now on, what is written comes of what is told from here.
    pub(in crate::session) fn begin_telling(&mut self, link: Link) {
        self.telling = Some(Telling { link, origin: None });
    }

    /// What comes of what is told next has this origin. Fails if that is a round too many.
    pub(in crate::session) fn tell(&mut self, origin: Option<&Arc<Origin>>) -> Result<()> {
        if let Some(origin) = origin.filter(|origin| origin.rounds >= self.max_rounds) {
            return Err(Error::ChangeLoop {
                limit: self.max_rounds,
                chain: origin.chain.clone(),
            });
        }
        if let Some(telling) = &mut self.telling {
            telling.origin = origin.cloned();
        }
        Ok(())
    }

    /// What was noted since `mark` is undone, or belongs to something that failed.
    #[inline]
    pub(super) fn undo_to(&mut self, mark: Mark) {
        if mark.notes < self.notes.len() {
            self.cut_notes.extend(self.notes.drain(mark.notes..));
        }
        if mark.closures < self.closures.len() {
            let cut = self.closures.drain(mark.closures..);
            self.cut_closures.extend(cut);
        }
    }

    /// The transaction has ended: nothing is told any more.
    #[inline]
    pub(in crate::session) fn clear(&mut self) {
        self.undo_to(Mark {
            notes: 0,
            closures: 0,
        });
        self.telling = None;
        self.taken = 0;
        self.join_at = self.join_at.min(JOINED_FROM);
    }

    #[inline]
    pub(in crate::session) fn has_cut(&self) -> bool {
        !self.cut_notes.is_empty() || !self.cut_closures.is_empty()
    }

    pub(in crate::session) fn next_cut_note(&mut self) -> Option<Entry<N>> {
        self.cut_notes.pop()
    }

    pub(in crate::session) fn next_cut_closure(&mut self) -> Option<Entry<W>> {
        self.cut_closures.pop()
    }
}

impl<N: Note, W> Journal<N, W> {
    /// Fails if so many notes more are too many, also when those of one row are joined.
    pub(super) fn check<'m>(
        &mut self,
        more: usize,
        marks: impl Iterator<Item = &'m mut Mark>,
    ) -> Result<()> {
        let all = self.taken + self.notes.len() + more;
        if self.notes.len() >= self.join_at || all > self.max_notes {
            self.join(marks);
        }
        if self.taken + self.notes.len() + more > self.max_notes {
            return Err(Error::TooManyChanges {
                limit: self.max_notes,
            });
        }
        Ok(())
    }

    pub(super) fn push(&mut self, states: States, chain: &Chain, note: N) {
        let entry = self.entry(states, chain, note);
        self.notes.push(entry);
    }

    /// Joins the notes of each row that stand between two neighbouring marks, so that a row that is
    /// written a million times takes no more room than one that is written twice in every open level.
    fn join<'m>(&mut self, marks: impl Iterator<Item = &'m mut Mark>) {
        let all = self.notes.len();
        let mut marks: Vec<_> = marks.collect();
        let ends = marks.iter().map(|mark| mark.notes.min(all)).chain([all]);
        let mut start = 0;
        let mut segments = Vec::with_capacity(marks.len() + 1);
        for end in ends {
            // What compares keys is the user's, and may panic: nothing is changed yet.
            segments.push((start, rows(&self.notes[start..end])));
            start = end;
        }
        let mut left: Vec<_> = self.notes.drain(..).map(Some).collect();
        for (start, rows) in segments {
            for places in rows.iter() {
                let mut last = start + places[0];
                for place in &places[1..] {
                    let place = start + *place;
                    if !join_two(&mut left, last, place, &mut self.cut_notes) {
                        last = place;
                    }
                }
            }
        }
        let mut at = 0;
        let mut places = marks.iter_mut();
        let mut next = places.next();
        for (place, note) in left.into_iter().map(Some).chain([None]).enumerate() {
            while next.as_ref().is_some_and(|mark| mark.notes == place) {
                if let Some(mark) = next {
                    mark.notes = at;
                }
                next = places.next();
            }
            if let Some(note) = note.flatten() {
                self.notes.push(note);
                at += 1;
            }
        }
        if self.join_at > 0 {
            self.join_at = JOINED_FROM.max(self.notes.len() * 2);
        }
    }
}

fn join_two<N: Note>(
    notes: &mut [Option<Entry<N>>],
    first: usize,
    later: usize,
    cut: &mut Vec<Entry<N>>,
) -> bool {
    let Some(mut taken) = notes[later].take() else {
        return false;
    };
    match &mut notes[first] {
        Some(note) if note.item.may_join(&taken.item) => {
            note.item.join(&mut taken.item);
            std::mem::swap(&mut note.states, &mut taken.states);
            note.origin = later_of(note.origin.take(), taken.origin.take());
            cut.push(taken);
            true
        }
        _ => {
            notes[later] = Some(taken);
            false
        }
    }
}

/// The one after more rounds.
pub(in crate::session) fn later_of(
    one: Option<Arc<Origin>>,
    other: Option<Arc<Origin>>,
) -> Option<Arc<Origin>> {
    let rounds = |origin: &Option<Arc<Origin>>| origin.as_ref().map_or(0, |origin| origin.rounds);
    if rounds(&other) > rounds(&one) {
        other
    } else {
        one
    }
}

/// Which notes are about which row.
pub(in crate::session) struct Rows {
    /// Places of notes, those of a row together and in their order.
    places: Vec<usize>,
    /// Parts of `places`, each a row, by the first note of each.
    rows: Vec<Range<usize>>,
}

impl Rows {
    /// Row by row, in the order of the first note of each, the places of its notes.
    pub(in crate::session) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.rows.iter().map(|row| &self.places[row.clone()])
    }
}

/// Finds out which notes are about which row.
pub(in crate::session) fn rows<N: Note>(notes: &[Entry<N>]) -> Rows {
    let mut places: Vec<_> = (0..notes.len()).collect();
    // It keeps the order of what is equal.
    places.sort_by(|one, other| notes[*one].item.order(&notes[*other].item));
    let mut rows = Vec::new();
    let mut start = 0;
    let is_same = |one: &usize, other: &usize| notes[*one].item.order(&notes[*other].item).is_eq();
    for row in places.chunk_by(is_same) {
        rows.push(start..start + row.len());
        start += row.len();
    }
    rows.sort_by_key(|row| places[row.start]);
    Rows { places, rows }
}
