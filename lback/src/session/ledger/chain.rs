//! Who called whom: bounds how deep receivers may nest, and names them when they go too deep.

use crate::error::{Error, Result};
use crate::receiver::{Registration, SignalInfo};

/// The default bound, of [`Session::with_max_depth`](crate::Session::with_max_depth).
pub(super) const MAX_DEPTH: u32 = 16;

/// The receivers that are running, from the outermost to the one at work.
pub(crate) struct Chain {
    running: Option<&'static Registration>,
    callers: Vec<&'static Registration>,
    limit: u32,
}

/// A point to return to.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    running: Option<&'static Registration>,
    callers: usize,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self {
            running: None,
            callers: Vec::new(),
            limit: MAX_DEPTH,
        }
    }

    pub(in crate::session) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// The receiver at work.
    pub(crate) fn running(&self) -> Option<&'static Registration> {
        self.running
    }

    /// Notes which receiver is called next.
    #[inline]
    pub(crate) fn run(&mut self, receiver: &'static Registration) {
        self.running = Some(receiver);
    }

    /// The present point.
    #[inline]
    pub(crate) fn link(&self) -> Link {
        Link {
            running: self.running,
            callers: self.callers.len(),
        }
    }

    /// The receiver that was called first of those that run since `link`.
    pub(super) fn called_since(&self, link: Link) -> Option<&'static Registration> {
        let first = link.callers + usize::from(link.running.is_some());
        self.callers.get(first).copied().or(self.running)
    }

    /// Fails if `signal`, which is to be sent later, could not be.
    #[inline]
    pub(crate) fn check(&self, signal: &'static SignalInfo) -> Result<()> {
        if self.running.is_some() && self.callers.len() + 1 >= self.limit as usize {
            return Err(self.too_deep(signal));
        }
        Ok(())
    }

    /// Goes one level deeper to send `signal`; [`restore`](Self::restore) comes back.
    #[inline]
    pub(crate) fn descend(&mut self, signal: &'static SignalInfo) -> Result<Link> {
        self.check(signal)?;
        let link = self.link();
        self.callers.extend(self.running);
        Ok(link)
    }

    /// Comes back to `link`, from however deep.
    #[inline]
    pub(crate) fn restore(&mut self, link: Link) {
        self.callers.truncate(link.callers);
        self.running = link.running;
    }

    #[cold]
    pub(crate) fn too_deep(&self, signal: &'static SignalInfo) -> Error {
        let chain = self.callers.iter().copied().chain(self.running).collect();
        Error::Recursion {
            limit: self.limit,
            chain,
            signal: signal.name(),
        }
    }
}
