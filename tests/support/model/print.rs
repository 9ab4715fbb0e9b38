//! `Debug`, short: a counterexample is read by a person. `?` marks what passes its failure on.

use std::fmt;

use super::{Act, End, Node, Reaction, Write, email, name};

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reaction = match self {
            Self::Transaction {
                nodes,
                end,
                reaction,
            } => {
                write!(f, "transaction {nodes:?}")?;
                match end {
                    End::Ok => {}
                    End::Error => f.write_str(" then Err")?,
                    End::Panic => f.write_str(" then a panic")?,
                }
                reaction
            }
            Self::Write {
                through,
                write,
                pre,
                post,
                reaction,
            } => {
                write!(f, "{through:?} {write:?}")?;
                if through.has_receiver(true) && !matches!(pre, Act::Nothing) {
                    write!(f, ", pre {pre:?}")?;
                }
                if through.has_receiver(false) && !matches!(post, Act::Nothing) {
                    write!(f, ", post {post:?}")?;
                }
                reaction
            }
        };
        match reaction {
            Reaction::Swallow => Ok(()),
            Reaction::Pass => f.write_str(" ?"),
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(who, number) => {
                let name = name(*who);
                write!(f, "create {name} {}", email(&name, *number))
            }
            Self::Update {
                who,
                rename,
                email: number,
            } => {
                let who = name(*who);
                write!(f, "update {who}")?;
                if let Some(rename) = rename {
                    write!(f, " name={}", name(*rename))?;
                }
                match number {
                    Some(number) => write!(f, " email={}", email(&who, *number)),
                    None => Ok(()),
                }
            }
            Self::Delete(who) => write!(f, "delete {}", name(*who)),
        }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("does nothing"),
            Self::Change => f.write_str("changes"),
            Self::Veto => f.write_str("vetoes"),
            Self::Fail => f.write_str("fails"),
            Self::Panic => f.write_str("panics"),
            Self::Run(nodes) => nodes.fmt(f),
        }
    }
}
