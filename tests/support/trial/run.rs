//! Runs a program through a session.

use std::collections::BTreeMap;

use lback::{Error, NewUser, Repository, Session, Updates, User, UserChanges, UserId};

use super::program::{Hearers, Operation, Program, Step};
use super::world::{Change, Frame, Outcome, Told};
use crate::{Notes, new_user, note};

/// Runs `program`, and says what its answers mean.
pub fn run<R>(
    session: &mut Session<R::Connection>,
    users: &R,
    seeds: &BTreeMap<&'static str, UserId>,
    program: &Program,
) -> Told
where
    R: Repository<Entity = User, Insert = NewUser> + Updates<Update = UserChanges>,
    R::Connection: Notes,
{
    let mut runner = Runner {
        users,
        seeds,
        hearers: program.hearers,
        answers: Vec::new(),
    };
    let mut told = Told::nothing(program.hearers);
    for step in &program.steps {
        let mut frame = Frame::default();
        let result = runner.step(session, step, &mut frame);
        let outcome = match &result {
            Ok(Caught::Unknown) | Err(Error::CommitUnknown { .. }) => Outcome::Unknown,
            // Where others have the connection too, the session cannot always tell who ended the
            // transaction; unless it was COMMIT that failed.
            Ok(Caught::Failed) | Err(_) if program.lends() && !frame.has_commit_failed => {
                Outcome::Vanished
            }
            Ok(Caught::Failed) | Err(_) => Outcome::NotStored,
            Ok(Caught::Nothing) => Outcome::Stored,
        };
        told.conclude(frame, outcome);
        if result.is_err() {
            break;
        }
    }
    told.answers = runner.answers;
    told
}

/// What a step has passed over.
enum Caught {
    Nothing,
    Failed,
    Unknown,
}

struct Runner<'r, R> {
    users: &'r R,
    seeds: &'r BTreeMap<&'static str, UserId>,
    hearers: Hearers,
    answers: Vec<String>,
}

impl<R> Runner<'_, R>
where
    R: Repository<Entity = User, Insert = NewUser> + Updates<Update = UserChanges>,
    R::Connection: Notes,
{
    fn step(
        &mut self,
        session: &mut Session<R::Connection>,
        step: &Step,
        frame: &mut Frame,
    ) -> lback::Result<Caught> {
        match step {
            Step::Operation(operation) => {
                let done = self.operate(session, *operation);
                self.answer(&format!("{operation:?}"), &done);
                let changes = self.changes(*operation);
                if done.is_ok() || is_unknown(&done) {
                    frame.done.extend(changes);
                } else {
                    frame.failed.extend(changes);
                }
                done?;
            }
            Step::Note(what) => {
                let noted = note(session.conn(), what).map_err(Error::from);
                self.answer(&format!("note {what}"), &noted);
                noted?;
                frame.done.push(Change::Noted((*what).to_owned()));
            }
            Step::Transaction(steps) => {
                let mut inner = Frame::default();
                self.answers.push("transaction {".to_owned());
                let mut is_over = false;
                let done = session.transaction(|session| {
                    steps
                        .iter()
                        .try_for_each(|step| self.step(session, step, &mut inner).map(drop))?;
                    is_over = true;
                    Ok(())
                });
                frame.has_commit_failed =
                    is_over && !matches!(done, Ok(()) | Err(Error::TransactionAborted { .. }));
                self.answer("}", &done);
                // Of the outermost level, what is inside is either stored, or not, or nobody knows:
                // that is for whoever concludes it.
                frame.absorb(inner, done.is_ok() || is_unknown(&done));
                done?;
            }
            Step::Try(step) => match self.step(session, step, frame) {
                Err(Error::CommitUnknown { .. }) => return Ok(Caught::Unknown),
                Err(_) => return Ok(Caught::Failed),
                Ok(caught) => return Ok(caught),
            },
            Step::Fail => {
                return Err(lback::Invalid::new("test", "this level is to be rolled back").into());
            }
        }
        Ok(Caught::Nothing)
    }

    fn operate(
        &self,
        session: &mut Session<R::Connection>,
        operation: Operation,
    ) -> lback::Result<()> {
        let users = self.users;
        let seeds = |names: [&str; 2]| names.map(|name| self.seeds[name]);
        match operation {
            Operation::Create(name) => users.create(session, new_user(name)).map(drop),
            Operation::Update => users
                .update(session, self.seeds["changes"], inactive())
                .map(drop),
            Operation::Delete => users.delete(session, self.seeds["goes"]),
            Operation::CreateMany => {
                let new = ["one of two", "two of two"].map(new_user);
                users.create_many(session, new).map(drop)
            }
            Operation::UpdateMany => users
                .update_many(session, seeds(["changes", "changes too"]), inactive())
                .map(drop),
            Operation::DeleteMany => users.delete_many(session, seeds(["goes", "goes too"])),
        }
    }

    /// What an operation claims with its `Ok`.
    fn changes(&self, operation: Operation) -> Vec<Change> {
        let names: &[&str] = match operation {
            Operation::Create(name) => &[name],
            Operation::Update => &["changes"],
            Operation::Delete => &["goes"],
            Operation::CreateMany => &["one of two", "two of two"],
            Operation::UpdateMany => &["changes", "changes too"],
            Operation::DeleteMany => &["goes", "goes too"],
        };
        let names = names.iter().map(|&name| name.to_owned());
        match operation {
            Operation::Create(_) | Operation::CreateMany => names.map(Change::Created).collect(),
            Operation::Delete | Operation::DeleteMany => names.map(Change::Deleted).collect(),
            Operation::Update | Operation::UpdateMany => names
                .flat_map(|name| {
                    let shadow = format!("{name} shadow");
                    let shadow =
                        (self.hearers == Hearers::Writers).then_some(Change::Created(shadow));
                    std::iter::once(Change::Updated(name)).chain(shadow)
                })
                .collect(),
        }
    }

    fn answer<T>(&mut self, what: &str, answer: &lback::Result<T>) {
        self.answers.push(match answer {
            Ok(_) => format!("{what}: Ok"),
            Err(error) => format!("{what}: {error}"),
        });
    }
}

fn is_unknown<T>(result: &lback::Result<T>) -> bool {
    matches!(result, Err(Error::CommitUnknown { .. }))
}

fn inactive() -> UserChanges {
    UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    }
}
