//! Random trees of transactions and writes, and what must be left after them.
//!
//! A tree is a list of [`Node`]s, run outside of any transaction one after the other. The
//! [`Model`] runs it on plain values: every level that fails gives back the values that it began
//! with. It knows nothing of savepoints, and nothing of when one may be spared.

mod generate;
mod kind;
mod print;
mod run;

pub use self::generate::trees;
pub use self::kind::KINDS;
pub use self::run::{Model, Row, Stored, note, outcome};

/// One thing that is done with a session.
#[derive(Clone)]
pub enum Node {
    /// `session.transaction(..)`.
    Transaction {
        /// What is done inside.
        nodes: Vec<Node>,
        /// How it ends, if it comes that far.
        end: End,
        /// What becomes of its failure.
        reaction: Reaction,
    },
    /// An operation of a repository.
    Write {
        /// Which repository: they differ in who listens.
        through: Through,
        /// What is written.
        write: Write,
        /// What the pre receiver does.
        pre: Act,
        /// What the post receiver does.
        post: Act,
        /// What becomes of its failure.
        reaction: Reaction,
    },
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `Ok`.
    Ok,
    /// `Err`.
    Error,
    /// A panic.
    Panic,
}

/// What the caller does about an error or a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Goes on as if nothing had been.
    Swallow,
    /// Passes it on.
    Pass,
}

/// Repositories of one table, with different receivers: how many levels an operation needs depends
/// on them, what is left afterwards must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Pre and post receivers that write notes, and then act.
    Loud,
    /// Pre receivers that write notes, and then act.
    Before,
    /// A post receiver that acts.
    After,
    /// A pre receiver that acts, without the session: it may refuse and change, not write.
    Gate,
    /// No receiver.
    Silent,
}

/// An operation. Users are named by small numbers, see [`name`].
#[derive(Clone)]
pub enum Write {
    /// Creates a user of this name, with an address made of the name and the second number.
    Create(u8, u8),
    /// Changes the user of this name.
    Update {
        /// Who.
        who: u8,
        /// The new name.
        rename: Option<u8>,
        /// The new address.
        email: Option<u8>,
    },
    /// Deletes the user of this name.
    Delete(u8),
}

/// What a receiver does.
#[derive(Clone)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// Sets another address, if it is a pre receiver and there is data.
    Change,
    /// Returns a veto.
    Veto,
    /// Returns another error.
    Fail,
    /// Panics.
    Panic,
    /// Uses the session itself.
    Run(Vec<Node>),
}

/// Why something did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `Error::Vetoed`
    Vetoed,
    /// `Error::ReceiverFailed`
    ReceiverFailed,
    /// `Error::Duplicate`
    Duplicate,
    /// `Error::NotFound`
    NotFound,
    /// `Error::Invalid`
    Invalid,
    /// An error of the caller's own.
    Own,
    /// A panic.
    Panic,
}

impl Through {
    /// Whether a receiver acts.
    pub fn has_receiver(self, is_pre: bool) -> bool {
        match self {
            Self::Loud => true,
            Self::After => !is_pre,
            Self::Before | Self::Gate => is_pre,
            Self::Silent => false,
        }
    }

    /// Whether a receiver writes a note.
    pub fn takes_notes(self, is_pre: bool) -> bool {
        match self {
            Self::Loud => true,
            Self::Before => is_pre,
            Self::After | Self::Gate | Self::Silent => false,
        }
    }
}

/// The number of the [`name`] that validation refuses.
pub const TOO_SHORT: u8 = 9;

/// The name behind a number.
pub fn name(number: u8) -> String {
    match number {
        TOO_SHORT => "x".to_owned(),
        number => format!("user{number}"),
    }
}

/// The address behind a number.
pub fn email(name: &str, number: u8) -> String {
    format!("{name}.{number}@example.com")
}

/// What [`Act::Change`] sets.
pub fn changed_email(name: &str) -> String {
    format!("{name}.changed@example.com")
}
