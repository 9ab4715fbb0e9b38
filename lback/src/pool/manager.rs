//! What r2d2 does with a connection: makes it, sees that it can be used again, or drops it.

use std::sync::Arc;

use diesel::QueryResult;
use diesel::connection::{CacheSize, TransactionManager};
use diesel::r2d2::{ConnectionManager, Error, ManageConnection, R2D2Connection};

use crate::care::without_panic;
use crate::session::{Facts, SessionConnection, Settings};

/// What the application does with a connection.
pub(super) type Hook<C> = Arc<dyn Fn(&mut C) -> QueryResult<()> + Send + Sync>;

pub(super) struct Manager<C> {
    connections: ConnectionManager<C>,
    on_connect: Option<Hook<C>>,
    before_reuse: Option<Hook<C>>,
    keeps_statements: bool,
    /// Everything happens in a transaction that is never committed.
    is_for_test: bool,
    facts: Facts,
}

impl<C: SessionConnection + R2D2Connection> Manager<C> {
    pub(super) fn new(url: &str, hooks: &Hooks<C>, settings: &Settings) -> Self {
        Self {
            connections: ConnectionManager::new(url),
            on_connect: hooks.on_connect.clone(),
            before_reuse: hooks.before_reuse.clone(),
            keeps_statements: settings.keeps_statements(),
            is_for_test: settings.is_for_test,
            facts: settings.facts().clone(),
        }
    }

    /// What is done with a new connection before anybody has it.
    pub(super) fn make_ready(&self, connection: &mut C) -> QueryResult<()> {
        without_panic(|| {
            if !self.keeps_statements {
                connection.set_prepared_statement_cache_size(CacheSize::Disabled);
            }
            connection.prepare()?;
            match &self.on_connect {
                Some(hook) => hook(connection),
                None => Ok(()),
            }
        })
    }
}

/// What the application wants done with connections.
pub(super) struct Hooks<C> {
    pub(super) on_connect: Option<Hook<C>>,
    pub(super) before_reuse: Option<Hook<C>>,
}

impl<C> Default for Hooks<C> {
    fn default() -> Self {
        Self {
            on_connect: None,
            before_reuse: None,
        }
    }
}

/// Hooks and Diesel's instrumentation are the application's, and may panic. r2d2 goes on counting a
/// connection at which anything panics, until there is no room for another; and its threads, which make
/// new ones, tell nobody.
impl<C: SessionConnection + R2D2Connection> ManageConnection for Manager<C> {
    type Connection = C;
    type Error = Error;

    fn connect(&self) -> Result<C, Error> {
        let connected = without_panic(|| Ok(self.connections.connect()));
        let mut connection = connected.map_err(Error::QueryError)??;
        // The server may have been started anew, as another version or with other settings.
        self.facts.forget();
        self.make_ready(&mut connection)
            .map_err(Error::QueryError)?;
        if self.is_for_test {
            without_panic(|| connection.begin_test_transaction()).map_err(Error::QueryError)?;
        }
        Ok(connection)
    }

    /// Asked before a connection is handed out again. Where r2d2 would send a question that means
    /// nothing, this sends what undoes a transaction that nobody knows of.
    fn is_valid(&self, connection: &mut C) -> Result<(), Error> {
        let valid = without_panic(|| {
            if !self.is_for_test {
                connection.reset()?;
            }
            match &self.before_reuse {
                Some(hook) => hook(connection),
                None => Ok(()),
            }
        });
        valid.map_err(Error::QueryError)
    }

    /// Asked when a connection comes back. Diesel spares one whose transaction is a test's
    /// (`begin_test_transaction`): it would make every later session fail. And r2d2's usual manager gives every
    /// connection up that comes back while its thread panics; but a panic has been rolled back by now, and a
    /// database that is private to its connection would go with it.
    fn has_broken(&self, connection: &mut C) -> bool {
        let status = C::TransactionManager::transaction_manager_status_mut(connection);
        let depth = status.transaction_depth();
        if self.is_for_test {
            return !matches!(depth, Ok(Some(depth)) if depth.get() == 1);
        }
        let is_free = matches!(depth, Ok(None));
        !is_free || connection.is_broken()
    }
}
