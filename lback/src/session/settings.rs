//! What the sessions of a pool have in common.

use std::sync::Arc;

use super::facts::Facts;
use super::failure::{Failure, FailureHandler};
use super::ledger::States;
use super::prepared::Prepared;
use super::{Session, SessionConnection};
use crate::registry::Registry;

/// What the sessions of a pool have in common.
pub(crate) struct Settings {
    states: States,
    on_failure: Option<FailureHandler>,
    own_registry: Option<&'static Registry>,
    prepared: Prepared,
    facts: Facts,
    #[cfg(feature = "tokio")]
    late_failures: Arc<super::LateFailures>,
    /// Whether all sessions are inside one transaction that is never committed.
    pub(crate) is_for_test: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            states: States::default(),
            on_failure: None,
            own_registry: None,
            prepared: Prepared::default(),
            facts: Facts::shared(),
            #[cfg(feature = "tokio")]
            late_failures: Arc::default(),
            is_for_test: false,
        }
    }
}

impl Settings {
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn keep_prepared(&mut self, updates: u32) {
        self.prepared = Prepared::Kept { updates };
    }

    pub(crate) fn keep_nothing_prepared(&mut self) {
        self.prepared = Prepared::Nothing;
    }

    pub(crate) fn keeps_statements(&self) -> bool {
        !matches!(self.prepared, Prepared::Nothing)
    }

    pub(crate) fn add_state<T: Send + Sync + 'static>(&mut self, value: T) {
        self.states.put(Arc::new(value));
    }

    pub(crate) fn on_failure(&mut self, handler: impl Fn(&Failure) + Send + Sync + 'static) {
        self.on_failure = Some(Arc::new(handler));
    }

    pub(crate) fn set_own_registry(&mut self, registry: &'static Registry) {
        self.own_registry = Some(registry);
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn late_failures(&self) -> &Arc<super::LateFailures> {
        &self.late_failures
    }
}

impl<C: SessionConnection> Session<C> {
    pub(crate) fn with_settings(mut self, settings: &Settings) -> Self {
        self.ledger.states = settings.states.clone();
        self.on_failure.clone_from(&settings.on_failure);
        self.facts = settings.facts.clone();
        #[cfg(feature = "tokio")]
        {
            self.late_failures = Some(Arc::clone(&settings.late_failures));
        }
        if let Some(registry) = settings.own_registry {
            self.set_own_registry(registry);
        }
        match settings.prepared {
            Prepared::Kept { updates } => self.with_prepared_updates(updates),
            Prepared::Nothing => self.without_prepared_statements(),
        }
    }
}
