//! What the answers of a program mean.

use std::collections::BTreeMap;

use super::program::{Hearers, SEEDS};

/// The rows of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Each user, and whether they are active.
    pub users: BTreeMap<String, bool>,
    /// What stands in the table `notes`, sorted.
    pub notes: Vec<String>,
}

impl World {
    /// Before a program begins.
    pub fn seeded() -> Self {
        Self {
            users: SEEDS.iter().map(|&name| (name.to_owned(), true)).collect(),
            notes: Vec::new(),
        }
    }

    fn apply(&mut self, change: &Change, hearers: Hearers) {
        match change {
            Change::Created(name) => {
                self.users.insert(name.clone(), true);
                match hearers {
                    Hearers::Writers => self.notes.push(format!("created {name}")),
                    Hearers::Isolated => self.notes.push(format!("isolated {name}")),
                    Hearers::Nobody | Hearers::Effects => {}
                }
            }
            Change::Updated(name) => {
                self.users.insert(name.clone(), false);
            }
            Change::Deleted(name) => {
                self.users.remove(name);
                if hearers == Hearers::Writers {
                    self.notes.push(format!("deleted {name}"));
                }
            }
            Change::Noted(what) => self.notes.push(what.clone()),
        }
        self.notes.sort();
    }
}

/// What a step that said `Ok` claims to have done.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Created(String),
    Updated(String),
    Deleted(String),
    Noted(String),
}

impl Change {
    /// What the effects of this change note, after the word for the phase.
    fn heard_as(&self) -> Option<String> {
        match self {
            Self::Created(name) => Some(format!("created {name}")),
            Self::Updated(name) => Some(format!("updated {name}")),
            Self::Deleted(name) => Some(format!("deleted {name}")),
            Self::Noted(_) => None,
        }
    }
}

/// What happened inside a level that is not over.
#[derive(Default)]
pub(super) struct Frame {
    /// Done, as far as this level goes.
    pub(super) done: Vec<Change>,
    /// Done, and then undone with its level.
    pub(super) undone: Vec<Change>,
    /// Tried, and failed.
    pub(super) failed: Vec<Change>,
    /// Whether all went well in it up to COMMIT.
    pub(super) has_commit_failed: bool,
}

impl Frame {
    /// A level inside this one has ended.
    pub(super) fn absorb(&mut self, inner: Self, is_kept: bool) {
        if is_kept {
            self.done.extend(inner.done);
        } else {
            self.undone.extend(inner.done);
        }
        self.undone.extend(inner.undone);
        self.failed.extend(inner.failed);
    }
}

/// What was said.
#[derive(Debug)]
pub struct Told {
    /// What may be stored: one world, unless an outcome is unknown.
    pub worlds: Vec<World>,
    /// The after-commit effects that must have run, and no others.
    pub effects: Vec<String>,
    /// The after-rollback effects that must have run.
    pub laments: Vec<String>,
    /// The after-rollback effects that may have run besides.
    pub possible_laments: Vec<String>,
    /// Each answer, in order, for whoever reads a failure.
    pub answers: Vec<String>,
    pub(super) hearers: Hearers,
}

impl Told {
    pub(super) fn nothing(hearers: Hearers) -> Self {
        Self {
            worlds: vec![World::seeded()],
            effects: Vec::new(),
            laments: Vec::new(),
            possible_laments: Vec::new(),
            answers: Vec::new(),
            hearers,
        }
    }

    /// An outermost level has ended.
    pub(super) fn conclude(&mut self, frame: Frame, outcome: Outcome) {
        let Frame {
            done,
            mut undone,
            mut failed,
            ..
        } = frame;
        match outcome {
            Outcome::Stored => {
                for world in &mut self.worlds {
                    done.iter()
                        .for_each(|change| world.apply(change, self.hearers));
                }
                self.effects.extend(self.heard(&done));
            }
            Outcome::NotStored => undone.extend(done),
            Outcome::Vanished => {
                failed.append(&mut undone);
                failed.extend(done);
            }
            Outcome::Unknown => {
                let mut stored = self.worlds.clone();
                for world in &mut stored {
                    done.iter()
                        .for_each(|change| world.apply(change, self.hearers));
                }
                self.worlds.extend(stored);
                // What was undone before COMMIT did not last, whatever became of the rest.
                failed.append(&mut undone);
            }
        }
        self.laments.extend(
            self.heard(&undone)
                .map(|what| format!("not {what}"))
                .collect::<Vec<_>>(),
        );
        let possible: Vec<_> = self
            .heard(&failed)
            .map(|what| format!("not {what}"))
            .collect();
        self.possible_laments.extend(possible);
    }

    fn heard(&self, changes: &[Change]) -> impl Iterator<Item = String> + use<> {
        let hears = self.hearers != Hearers::Nobody;
        let heard: Vec<_> = changes.iter().filter_map(Change::heard_as).collect();
        heard.into_iter().filter(move |_| hears)
    }
}

/// How an outermost level ended.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Stored,
    NotStored,
    /// Something ended it that the session could not see, such as a receiver's own statement on a
    /// disk that is full. Here nothing commits by itself, so nothing of it is stored; but the session
    /// cannot know that, and may leave the after-rollback effects out.
    Vanished,
    Unknown,
}
