//! Trees of transactions, writes and effects, and what must come of them: written from DESIGN.md
//! and not from the engine, so that the two can be compared.

mod model;
mod tape;

use std::fmt;

pub use self::model::{MAX_GENERATIONS, Model};
pub use self::tape::trees;

/// How something ends, if nothing inside it has ended it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `Ok`
    Ok,
    /// `Err`
    Error,
    /// A panic.
    Panic,
}

/// Things done one after the other; the first that fails and is not swallowed ends them.
#[derive(Clone)]
pub struct Script {
    /// What is done.
    pub nodes: Vec<Node>,
    /// How it ends then.
    pub end: End,
}

/// One thing that is done.
#[derive(Clone)]
pub enum Node {
    /// `session.transaction`
    Transaction {
        /// What is done in it.
        inside: Script,
        /// Whether its failure is passed over.
        swallow: bool,
    },
    /// A signal is sent whose receivers write the row `id`, and queue an effect of each phase.
    Write {
        /// The row.
        id: u32,
        /// What an isolated receiver does.
        isolated: Script,
        /// What the last receiver does.
        nested: Script,
        /// What the after-commit effect does.
        effect: Script,
        /// What the after-rollback effect does.
        lament: Script,
        /// Whether its failure is passed over.
        swallow: bool,
    },
    /// `session.on_commit`
    OnCommit {
        /// Its name in the log.
        id: u32,
        /// What the closure does.
        effect: Script,
    },
    /// `session.on_rollback`
    OnRollback {
        /// Its name in the log.
        id: u32,
        /// What the closure does.
        effect: Script,
    },
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(&self.nodes)
            .entries((self.end != End::Ok).then_some(self.end))
            .finish()
    }
}

impl fmt::Debug for Node {
    /// Short enough to read a counterexample: nothing is printed of what does nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut part = |name: &str, script: &Script| {
            if !script.nodes.is_empty() || script.end != End::Ok {
                parts.push(format!("{name} {script:?}"));
            }
        };
        let (name, swallow) = match self {
            Self::Transaction { inside, swallow } => {
                part("", inside);
                ("transaction".to_owned(), *swallow)
            }
            Self::Write {
                id,
                isolated,
                nested,
                effect,
                lament,
                swallow,
            } => {
                part("isolated", isolated);
                part("nested", nested);
                part("effect", effect);
                part("lament", lament);
                (format!("write {id}"), *swallow)
            }
            Self::OnCommit { id, effect } => {
                part("", effect);
                (format!("on commit {id}"), false)
            }
            Self::OnRollback { id, effect } => {
                part("", effect);
                (format!("on rollback {id}"), false)
            }
        };
        let swallow = if swallow { "?" } else { "" };
        write!(f, "{name}{swallow}({})", parts.join(", ").trim())
    }
}
