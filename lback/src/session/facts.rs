//! What a session has found out about its server, and what it may keep there.

use std::any::TypeId;

use super::{Session, SessionConnection};
use crate::error::Result;

/// Answers of the server, by what was asked. They are few, and asked for rarely.
#[derive(Default)]
pub(super) struct Facts(Vec<(TypeId, i64)>);

impl<C: SessionConnection> Session<C> {
    /// What is true of this connection as long as it lasts, asked once.
    pub(crate) fn fact(
        &mut self,
        of: TypeId,
        ask: impl FnOnce(&mut C) -> diesel::QueryResult<i64>,
    ) -> Result<i64> {
        if let Some(&(_, known)) = self.facts.0.iter().find(|(known, _)| *known == of) {
            return Ok(known);
        }
        let answer = self.statement(ask)?;
        self.know(of, answer);
        Ok(answer)
    }

    /// Makes the session believe it.
    pub(crate) fn know(&mut self, of: TypeId, answer: i64) {
        self.facts.0.push((of, answer));
    }
}
