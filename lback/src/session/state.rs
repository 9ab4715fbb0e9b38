//! The values that a session holds for its receivers.

use std::sync::Arc;

use super::ledger::States;
use super::{Session, SessionConnection};
use crate::error::{Error, Result};
use crate::receiver::{BoxError, Registration, StateNeed};

impl<C: SessionConnection> Session<C> {
    /// Adds a value that receivers can ask for with `#[state]`, and anybody with
    /// [`state`](Self::state). One of the same type hides the one before.
    ///
    /// ```
    /// # struct Mailer;
    /// let session = lback::sqlite::connect(":memory:")?.with_state(Mailer);
    /// assert!(session.state::<Mailer>().is_some());
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.with_shared_state(Arc::new(value))
    }

    /// As [`with_state`](Self::with_state), for a value that others hold too, or of which only a
    /// trait is known: with an `Arc<dyn Mailer>`, receivers ask for `#[state] mailer: &dyn Mailer`.
    ///
    /// A value that is an `Arc` itself is found as what it holds, so `with_state(Arc::clone(&shared))`
    /// does the same. If there is also one that is not in an `Arc`, that one is found.
    ///
    /// ```standalone_crate
    /// use std::sync::Arc;
    ///
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// trait Mailer: Send + Sync {
    ///     fn send(&self, to: &str);
    /// }
    ///
    /// struct Paper;
    ///
    /// impl Mailer for Paper {
    ///     fn send(&self, to: &str) {
    ///         println!("a letter to {to}");
    ///     }
    /// }
    ///
    /// #[receiver(user_post_create, after_commit)]
    /// fn welcome(user: &User, #[state] mailer: &dyn Mailer) {
    ///     mailer.send(&user.email);
    /// }
    ///
    /// let mailer: Arc<dyn Mailer> = Arc::new(Paper);
    /// let session = lback::sqlite::connect(":memory:")?.with_shared_state(mailer);
    /// assert!(session.state::<dyn Mailer>().is_some());
    /// # lback::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_shared_state<T: ?Sized + Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.ledger.states.put(value);
        self
    }

    /// Adds a value for the length of a closure, such as the user on whose behalf a request acts.
    /// Effects queued inside see it when they run.
    ///
    /// ```
    /// struct Actor(&'static str);
    ///
    /// let mut session = lback::sqlite::connect(":memory:")?;
    /// session.with(Actor("ada"), |session| {
    ///     assert_eq!(session.state::<Actor>().map(|actor| actor.0), Some("ada"));
    /// });
    /// assert!(session.state::<Actor>().is_none());
    /// # lback::Result::Ok(())
    /// ```
    pub fn with<T: Send + Sync + 'static, R>(
        &mut self,
        value: T,
        scope: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let inner = self.ledger.states.with(Arc::new(value));
        self.with_states(inner, scope)
    }

    pub(super) fn with_states<R>(
        &mut self,
        states: States,
        scope: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let outer = std::mem::replace(&mut self.ledger.states, states);
        self.finally(scope, |session| {
            let inner = std::mem::replace(&mut session.ledger.states, outer);
            session.drop_for_user(inner);
        })
    }

    /// A value that was put in with [`with_state`](Self::with_state) or [`with`](Self::with).
    pub fn state<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&T> {
        self.ledger.states.get().map(|value| &**value)
    }

    /// Fails if a receiver will ask for a state that is missing.
    pub(crate) fn check_state(
        &self,
        receiver: &'static Registration,
        need: StateNeed,
    ) -> Result<()> {
        if self.ledger.states.has(&(need.keys)()) {
            return Ok(());
        }
        Err(Error::StateMissing {
            receiver: Some(receiver),
            type_name: (need.type_name)(),
        })
    }

    /// Of a receiver that does without, if need be.
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __state_if_there<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.ledger.states.get().cloned()
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __state<T: ?Sized + Send + Sync + 'static>(
        &self,
    ) -> std::result::Result<Arc<T>, BoxError> {
        self.ledger.states.get().cloned().ok_or_else(|| {
            let type_name = std::any::type_name::<T>();
            Error::StateMissing {
                receiver: self.ledger.chain.running(),
                type_name,
            }
            .into()
        })
    }
}
