//! What a session has found out about its server.

use std::any::TypeId;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Session, SessionConnection};
use crate::error::Result;

/// Answers of the server, by what was asked. They are few, and asked for rarely; the sessions of a pool
/// share them.
#[derive(Clone, Default)]
pub(crate) struct Facts(Option<Arc<Mutex<Known>>>);

type Known = Vec<(TypeId, i64)>;

impl Facts {
    /// Those that all clones share.
    #[cfg(feature = "r2d2")]
    pub(super) fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// What is known may be of another server by now.
    #[cfg(feature = "r2d2")]
    pub(crate) fn forget(&self) {
        self.with(Vec::clear);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> Option<T> {
        // Nothing panics while it is locked.
        let known = self.0.as_ref()?;
        Some(work(
            &mut known.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    fn get(&self, of: TypeId) -> Option<i64> {
        self.with(|known| known.iter().find(|fact| fact.0 == of).map(|fact| fact.1))?
    }

    fn put(&mut self, of: TypeId, answer: i64) {
        self.0.get_or_insert_default();
        self.with(|known| known.push((of, answer)));
    }
}

impl<C: SessionConnection> Session<C> {
    /// What is true of this server as long as a connection to it lasts, asked once.
    pub(crate) fn fact(
        &mut self,
        of: TypeId,
        ask: &dyn Fn(&mut C) -> diesel::QueryResult<i64>,
    ) -> Result<i64> {
        if let Some(known) = self.facts.get(of) {
            return Ok(known);
        }
        let answer = self.statement(ask)?;
        self.facts.put(of, answer);
        Ok(answer)
    }

    /// The same, if it was asked already.
    pub(crate) fn known_fact(&self, of: TypeId) -> Option<i64> {
        self.facts.get(of)
    }

    /// Makes the session believe it.
    pub(crate) fn know(&mut self, of: TypeId, answer: i64) {
        self.facts.put(of, answer);
    }
}
