//! The guard: a savepoint that marks the open transaction, so that one can tell whether it is still
//! the same.
//!
//! Through the connection anybody can end the transaction and begin another (`ROLLBACK; BEGIN`), or
//! roll back to a savepoint of his own that is older than an operation of the framework's. The guard
//! goes with the transaction, or with that savepoint, and is missed at the end.

/// When a database is marked.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Before the connection is first lent out, because what is executed after the end of the
    /// transaction would commit by itself. One mark a transaction.
    BeforeLending,
    /// Before the framework writes after the connection was lent out, or before it is lent out after
    /// the framework wrote: the fewest marks that protect what the framework has written. Once a
    /// transaction, because it is a round trip, and in its outermost level: a nested level has a
    /// savepoint anyway, which tells the same when it is released.
    BetweenWrites,
    /// The same in every level, and anew each time, because it costs no round trip.
    BetweenAllWrites,
}

/// What the driver does to mark the transaction.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// Nothing; or, of a transaction, that it is not marked.
    None,
    /// It sets the mark; or, of a transaction, that it is marked.
    Set,
    /// It sets the mark again, whose level is closed; or that it was marked in a level that is
    /// closed.
    Again,
    /// It takes the mark away, which must be there, and sets it anew.
    Move,
    /// It sees whether any transaction is open: the mark cannot be moved from further in.
    Look,
}

/// Where the mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Guard {
    /// The connection was not lent out in this transaction.
    Unlent,
    /// It was lent out, and there is no mark yet.
    Missing,
    /// The mark was set at this depth.
    Set { depth: u32, is_lent_since: bool },
    /// The mark was set in a level that is closed.
    Gone { is_lent_since: bool },
}

impl Guard {
    pub(super) fn marked(depth: u32, is_lent_since: bool) -> Self {
        Self::Set {
            depth,
            is_lent_since,
        }
    }

    pub(super) fn was_lent(self) -> bool {
        self != Self::Unlent
    }

    pub(super) fn guarding(self) -> Guarding {
        match self {
            Self::Unlent | Self::Missing => Guarding::None,
            Self::Set { .. } => Guarding::Set,
            Self::Gone { .. } => Guarding::Again,
        }
    }

    /// The connection is about to be lent out, at this depth.
    pub(super) fn lending(&mut self, marking: Marking, has_written: bool, here: u32) -> Guarding {
        let at_once = match marking {
            Marking::BeforeLending => true,
            Marking::BetweenWrites => has_written && here == 1,
            Marking::BetweenAllWrites => has_written,
        };
        match self {
            Self::Unlent | Self::Missing if at_once => Guarding::Set,
            Self::Unlent | Self::Missing => {
                *self = Self::Missing;
                Guarding::None
            }
            Self::Gone { .. } if at_once => Guarding::Again,
            Self::Set { is_lent_since, .. } | Self::Gone { is_lent_since } => {
                *is_lent_since = true;
                Guarding::None
            }
        }
    }

    /// The connection is lent out, and cannot be marked.
    pub(super) fn lent_unmarked(&mut self) {
        match self {
            Self::Unlent => *self = Self::Missing,
            Self::Missing => {}
            Self::Set { is_lent_since, .. } | Self::Gone { is_lent_since } => *is_lent_since = true,
        }
    }

    /// The framework is about to write, at this depth.
    #[inline]
    pub(super) fn writing(self, marking: Marking, here: u32) -> Guarding {
        match self {
            Self::Unlent => Guarding::None,
            _ if marking == Marking::BetweenWrites && here > 1 => Guarding::None,
            Self::Missing => Guarding::Set,
            Self::Gone {
                is_lent_since: true,
            } => Guarding::Again,
            // From further in, the savepoints between would go with it.
            Self::Set {
                depth,
                is_lent_since: true,
            } if marking == Marking::BetweenAllWrites => {
                if depth == here {
                    Guarding::Move
                } else {
                    Guarding::Look
                }
            }
            Self::Gone { .. } | Self::Set { .. } => Guarding::None,
        }
    }

    /// Somebody looked, and the transaction is open.
    pub(super) fn looked(&mut self) {
        if let Self::Set { is_lent_since, .. } = self {
            *is_lent_since = false;
        }
    }

    /// A level was closed, and this many are open: what was set in it is gone.
    #[inline]
    pub(super) fn left_for(&mut self, open: u32) {
        if let Self::Set {
            depth,
            is_lent_since,
        } = *self
        {
            if depth > open {
                *self = Self::Gone { is_lent_since };
            }
        }
    }
}
