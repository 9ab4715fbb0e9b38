//! What a transaction has changed is told once, before it commits; and closures that wait for that.

use std::any::Any;
use std::cmp::Ordering;

use super::close::Closed;
use super::ledger::{self, later_of, rows};
use super::run::Work;
use super::{Failure, FailureCause, Session, SessionConnection};
use crate::care::{caught, message_of};
use crate::error::{Error, Result, of_closure};
use crate::receiver::{IntoOutcome, Phase};

/// What was noted of a write. The session knows of it only which row it is about.
pub(crate) trait Written<C: SessionConnection>: Any + Send {
    /// An order of all rows of all entities: `Equal` if both are about the same.
    fn order(&self, other: &dyn Written<C>) -> Ordering;

    /// Whether `later`, of the same row, concerns the same receivers.
    fn may_join(&self, later: &dyn Written<C>) -> bool;

    /// Takes over what `later` has left of the row.
    fn join(&mut self, later: &mut dyn Written<C>);

    /// Tells what came of `writes`, which are all of this row, in their order.
    fn tell(&self, writes: &[&Entry<C>], whom: Whom, session: &mut Session<C>) -> Result<()>;
}

/// What the ledger keeps of a write.
pub(crate) type Note<C> = Box<dyn Written<C>>;

/// A note in the ledger, with what was in force.
pub(crate) type Entry<C> = ledger::Entry<Note<C>>;

impl<C: SessionConnection> Entry<C> {
    pub(crate) fn written(&self) -> &dyn Written<C> {
        self.item.as_ref()
    }
}

impl<C: SessionConnection> ledger::Note for Note<C> {
    fn order(&self, other: &Self) -> Ordering {
        self.as_ref().order(other.as_ref())
    }

    fn may_join(&self, later: &Self) -> bool {
        self.as_ref().may_join(later.as_ref())
    }

    fn join(&mut self, later: &mut Self) {
        self.as_mut().join(later.as_mut());
    }
}

/// Who is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Receivers in the transaction.
    Receivers,
    /// Effects of both phases: the transaction is about to be committed.
    Effects,
    /// After-rollback effects: it was refused.
    Laments,
}

impl<C: SessionConnection> Session<C> {
    /// Calls `work` once, just before the outermost transaction commits, and after what receivers of
    /// changes were told. It may write, and its error, or its panic, fails the whole transaction.
    ///
    /// A savepoint that is rolled back forgets it. Outside of a transaction it runs at once, in one of
    /// its own; its error or panic is then reported like that of an
    /// [`on_commit`](Self::on_commit) closure, see `with_failure_handler`.
    ///
    /// The caller of [`transaction`](Self::transaction) gets an error of ours or of Diesel's as it is, a
    /// [`Veto`](crate::Veto) as [`Error::Refused`], any other as
    /// [`Error::ClosureFailed`](crate::Error::ClosureFailed).
    ///
    /// ```
    /// use lback::{Error, Veto};
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// let refused = session.transaction(|session| {
    ///     session.before_commit(|_session| Err::<(), _>(Veto::new("the books do not balance")));
    ///     lback::Result::Ok(())
    /// });
    /// assert!(matches!(refused, Err(Error::Refused(_))));
    /// # lback::Result::Ok(())
    /// ```
    pub fn before_commit<R: IntoOutcome>(
        &mut self,
        work: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) {
        if self.in_transaction() {
            let work: Work<C> = Box::new(|session: &mut Self| work(session).into_outcome());
            self.ledger.wait_for_commit(work);
            return;
        }
        let work = |session: &mut Self| work(session).into_outcome().map_err(of_closure);
        let cause = match caught(|| self.transaction(work)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => FailureCause::of_error(error.into()),
            Err(panic) => FailureCause::Panic(message_of(panic)),
        };
        self.report(Failure {
            receiver: None,
            phase: Phase::InTransaction,
            cause,
        });
    }

    /// Fails if so many more rows cannot be noted.
    pub(crate) fn check_changes(&mut self, more: usize) -> Result<()> {
        self.ledger.check_changes(more)
    }

    /// Notes that a row was written.
    pub(crate) fn note(&mut self, note: Note<C>) -> Result<()> {
        self.ledger.note(note)
    }

    /// Runs `scope` under the state that was in force at a write.
    pub(crate) fn as_at<R>(&mut self, write: &Entry<C>, scope: impl FnOnce(&mut Self) -> R) -> R {
        self.with_states(write.states.clone(), scope)
    }

    /// Tells all that was noted, and runs what waits for that, until nothing is left.
    pub(super) fn tell_changes(&mut self) -> Closed {
        let identity = self.ledger.identity();
        let link = self.ledger.chain.link();
        self.ledger.journal.begin_telling(link);
        let mut told = Vec::new();
        let outcome = caught(|| self.tell_rounds(&mut told));
        // Another session may stand here: then this is the affair of whoever finds that out.
        if !matches!(outcome, Ok(Ok(()))) && self.ledger.identity() == identity {
            self.ledger.chain.restore(link);
            self.lament(&mut told);
        }
        for entry in told {
            self.drop_for_user(entry);
        }
        outcome
    }

    fn tell_rounds(&mut self, told: &mut Vec<Entry<C>>) -> Result<()> {
        loop {
            let start = told.len();
            told.append(&mut self.ledger.journal.take());
            if start < told.len() {
                self.tell_rows(&told[start..], Whom::Receivers)?;
            } else if let Some(closure) = self.ledger.journal.next_closure() {
                self.run_closure(closure)?;
            } else {
                return self.tell_rows(told, Whom::Effects);
            }
        }
    }

    fn tell_rows(&mut self, notes: &[Entry<C>], whom: Whom) -> Result<()> {
        let identity = self.ledger.identity();
        for places in rows(notes).iter() {
            let writes: Vec<_> = places.iter().map(|place| &notes[*place]).collect();
            if whom == Whom::Receivers {
                let origins = writes.iter().map(|write| write.origin.clone());
                let origin = origins.fold(None, later_of);
                self.ledger.journal.tell(origin.as_ref())?;
            }
            writes[0].written().tell(&writes, whom, self)?;
            if self.ledger.identity() != identity {
                return Err(Error::SessionSwapped);
            }
        }
        Ok(())
    }

    fn run_closure(&mut self, closure: ledger::Entry<Work<C>>) -> Result<()> {
        let ledger::Entry {
            states,
            origin,
            item: work,
        } = closure;
        let identity = self.ledger.identity();
        if let Err(error) = self.ledger.journal.tell(origin.as_ref()) {
            self.drop_for_user(work);
            return Err(error);
        }
        let outcome = self.with_states(states, |session| work(session));
        if self.ledger.identity() != identity {
            return Err(Error::SessionSwapped);
        }
        outcome.map_err(of_closure)
    }

    /// The transaction will be rolled back: after-rollback receivers are told what would have been.
    fn lament(&mut self, told: &mut Vec<Entry<C>>) {
        told.append(&mut self.ledger.journal.take());
        let cause = match caught(|| self.tell_rows(told, Whom::Laments)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => FailureCause::of_error(error.into()),
            Err(panic) => FailureCause::Panic(message_of(panic)),
        };
        self.report(Failure {
            receiver: None,
            phase: Phase::AfterRollback,
            cause,
        });
    }
}
