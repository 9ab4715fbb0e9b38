//! The tree, run on plain values.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Act, End, Node, Reaction, Stop, TOO_SHORT, Through, Write, changed_email, email, name,
};

/// What the model holds of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub username: String,
    /// The address.
    pub email: String,
}

/// What is in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The table `users`, by key.
    pub users: BTreeMap<i64, Row>,
    /// The table `notes`, as written.
    pub notes: Vec<String>,
}

impl Stored {
    fn find(&self, username: &str) -> Option<i64> {
        self.users
            .iter()
            .find(|(_, row)| row.username == username)
            .map(|(id, _)| *id)
    }

    fn clashes(&self, row: &Row, own_id: Option<i64>) -> bool {
        self.users.iter().any(|(id, other)| {
            Some(*id) != own_id && (other.username == row.username || other.email == row.email)
        })
    }
}

/// What a tree must do.
#[derive(Debug, Default)]
pub struct Model {
    /// What must be in the database.
    pub stored: Stored,
    /// What happened, also what was undone later.
    pub log: Vec<String>,
    /// Which kinds of nodes were reached.
    pub kinds: BTreeSet<&'static str>,
    /// How deep levels were nested.
    pub deepest: usize,
    depth: usize,
    /// Where keys are never given twice: the last one.
    last_id: Option<i64>,
}

impl Model {
    /// With keys as SQLite gives them: one more than the greatest that is there.
    pub fn with_reused_keys() -> Self {
        Self::default()
    }

    /// With keys from a sequence.
    pub fn with_fresh_keys() -> Self {
        Self {
            last_id: Some(0),
            ..Self::default()
        }
    }

    /// Runs nodes one after the other, until one passes its failure on.
    ///
    /// # Errors
    ///
    /// That failure.
    pub fn run(&mut self, nodes: &[Node]) -> Result<(), Stop> {
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node) -> Result<(), Stop> {
        self.kinds.extend(node.kinds());
        let (result, reaction) = match node {
            Node::Transaction {
                nodes,
                end,
                reaction,
            } => {
                let result = self.level(|model| {
                    model.run(nodes)?;
                    match end {
                        End::Ok => Ok(()),
                        End::Error => Err(Stop::Own),
                        End::Panic => Err(Stop::Panic),
                    }
                });
                (result, reaction)
            }
            Node::Write {
                through,
                write,
                pre,
                post,
                reaction,
            } => {
                let result = self.level(|model| model.write(*through, write, pre, post));
                (result, reaction)
            }
        };
        self.log.push(outcome(result));
        match reaction {
            Reaction::Swallow => Ok(()),
            Reaction::Pass => result,
        }
    }

    /// All of it, or nothing.
    fn level(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        let before = self.stored.clone();
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let result = work(self);
        self.depth -= 1;
        if result.is_err() {
            self.stored = before;
        }
        result
    }

    fn write(
        &mut self,
        through: Through,
        write: &Write,
        pre: &Act,
        post: &Act,
    ) -> Result<(), Stop> {
        match write {
            Write::Create(who, number) => {
                let username = name(*who);
                let email = email(&username, *number);
                let mut row = Row { username, email };
                if self.receivers(through, "user_pre_create", &row, pre)? {
                    row.email = changed_email(&row.username);
                }
                valid(&row.username)?;
                if self.stored.clashes(&row, None) {
                    return Err(Stop::Duplicate);
                }
                let id = self.next_id();
                self.stored.users.insert(id, row.clone());
                self.receivers(through, "user_post_create", &row, post)?;
            }
            Write::Update {
                who,
                rename,
                email: number,
            } => {
                let username = rename.map(name);
                if through == Through::Silent {
                    // Nobody listens: the row is not read first, and there is one statement.
                    username.as_deref().map_or(Ok(()), valid)?;
                }
                let id = self.stored.find(&name(*who)).ok_or(Stop::NotFound)?;
                let row = self.stored.users[&id].clone();
                let mut address = number.map(|number| email(&row.username, number));
                if self.receivers(through, "user_pre_update", &row, pre)? {
                    address = Some(changed_email(&row.username));
                }
                username.as_deref().map_or(Ok(()), valid)?;
                // A pre receiver may have changed or deleted it.
                let mut updated = self.stored.users.get(&id).cloned().ok_or(Stop::NotFound)?;
                if username.is_none() && address.is_none() {
                    return Ok(());
                }
                updated.username = username.unwrap_or(updated.username);
                updated.email = address.unwrap_or(updated.email);
                if self.stored.clashes(&updated, Some(id)) {
                    return Err(Stop::Duplicate);
                }
                self.stored.users.insert(id, updated.clone());
                self.receivers(through, "user_post_update", &updated, post)?;
            }
            Write::Delete(who) => {
                let id = self.stored.find(&name(*who)).ok_or(Stop::NotFound)?;
                let row = self.stored.users[&id].clone();
                self.receivers(through, "user_pre_delete", &row, pre)?;
                // A pre receiver may have changed it.
                let row = self.stored.users.remove(&id).ok_or(Stop::NotFound)?;
                self.receivers(through, "user_post_delete", &row, post)?;
            }
        }
        Ok(())
    }

    /// Sends a signal; says whether the data is to be changed.
    fn receivers(
        &mut self,
        through: Through,
        signal: &str,
        row: &Row,
        act: &Act,
    ) -> Result<bool, Stop> {
        let is_pre = signal.contains("_pre_");
        if through.takes_notes(is_pre) {
            self.stored.notes.push(note(signal, row));
        }
        if !through.has_receiver(is_pre) {
            return Ok(false);
        }
        self.log.push(note(signal, row));
        self.kinds.insert(act.kind(is_pre));
        match act {
            Act::Nothing => Ok(false),
            Act::Change => Ok(is_pre),
            Act::Veto => Err(Stop::Vetoed),
            Act::Fail => Err(Stop::ReceiverFailed),
            Act::Panic => Err(Stop::Panic),
            Act::Run(_) if through == Through::Gate => Ok(false),
            Act::Run(nodes) => match self.run(nodes) {
                Ok(()) => Ok(false),
                Err(stop @ (Stop::Vetoed | Stop::Panic)) => Err(stop),
                Err(_) => Err(Stop::ReceiverFailed),
            },
        }
    }

    fn next_id(&mut self) -> i64 {
        match &mut self.last_id {
            Some(last) => {
                *last += 1;
                *last
            }
            None => self.stored.users.keys().last().map_or(1, |last| last + 1),
        }
    }
}

/// What a receiver notes.
pub fn note(signal: &str, row: &Row) -> String {
    format!("{signal} {} {}", row.username, row.email)
}

/// How a node ended, for the log.
pub fn outcome(result: Result<(), Stop>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(stop) => format!("{stop:?}"),
    }
}

fn valid(username: &str) -> Result<(), Stop> {
    if username == name(TOO_SHORT) {
        return Err(Stop::Invalid);
    }
    Ok(())
}
