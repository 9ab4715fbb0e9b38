//! `async` effects: what runs beside the session once its transaction has ended.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::lane::{Departed, Lane, Origin};
use super::{Session, SessionConnection};
use crate::error::{Error, Result};
use crate::receiver::{Outcome, Registration};

impl<C: SessionConnection> Session<C> {
    /// Where `async` receivers run. Without it, that is the tokio runtime around the first call that
    /// needs one, if there is one; [`Database::run`](crate::Database::run) brings its own.
    ///
    /// They run beside the session: whoever ends the runtime waits for them first, if they are to run
    /// to their end.
    ///
    /// ```standalone_crate
    /// use lback::sqlite::{prelude::*, users::*};
    /// use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
    ///
    /// #[receiver(user_post_create, after_commit)]
    /// async fn welcome(user: &User, #[state] letters: &UnboundedSender<String>) {
    ///     let _ = letters.send(format!("welcome, {}", user.username));
    /// }
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let (letters, mut outbox) = unbounded_channel::<String>();
    /// let mut session = lback::sqlite::connect(":memory:")?
    ///     .with_runtime(runtime.handle().clone())
    ///     .with_state(letters);
    /// # lback::sqlite::migrate(&mut session)?;
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// UserRepository::new().create(&mut session, new)?;
    /// let letter = runtime.block_on(outbox.recv());
    /// assert_eq!(letter.as_deref(), Some("welcome, ada"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_runtime(mut self, runtime: Handle) -> Self {
        self.lane = Some(self.lane_on(runtime));
        self
    }

    /// As [`with_runtime`](Self::with_runtime), with others who wait for the same effects.
    pub(crate) fn set_lane(&mut self, lane: Arc<Lane>) {
        self.lane = Some(lane);
    }

    /// A session that an effect begins is of the effect's generation.
    pub(crate) fn goes_on_from(&mut self, origin: Option<Origin>) {
        if let Some(origin) = origin {
            self.ledger.effects.generation = origin.generation;
            self.ledger.chain.run(origin.receiver);
        }
    }

    fn lane_on(&self, runtime: Handle) -> Arc<Lane> {
        let failures = self.late_failures.clone().unwrap_or_default();
        Lane::on(runtime, failures)
    }

    /// Where they run.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        let own = self.lane.as_ref().map(|lane| lane.runtime().clone());
        own.or_else(|| Handle::try_current().ok())
    }

    /// Fails if a receiver will need a runtime, and there is none. A capture holds it back anyway.
    pub(crate) fn check_runtime(&self, receiver: &'static Registration) -> Result<()> {
        if self.lane.is_some() || self.is_capturing() || Handle::try_current().is_ok() {
            return Ok(());
        }
        Err(Error::NoRuntime { receiver })
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __queue_async(
        &mut self,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        if let Some(receiver) = self.ledger.chain.running() {
            self.check_runtime(receiver)?;
        }
        if let (None, Ok(runtime)) = (&self.lane, Handle::try_current()) {
            self.lane = Some(self.lane_on(runtime));
        }
        self.__queue(move |session| session.depart(work));
        Ok(())
    }

    /// Hands the effect at work over to the runtime.
    fn depart(&mut self, work: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
        let Some(receiver) = self.ledger.chain.running() else {
            return Ok(());
        };
        let lane = self.lane.clone().ok_or(Error::NoRuntime { receiver })?;
        let generation = self.ledger.effects.generation;
        lane.add(Departed {
            origin: Origin {
                receiver,
                generation,
            },
            task: Box::pin(work),
            handler: self.on_failure.clone(),
        });
        Ok(())
    }
}
