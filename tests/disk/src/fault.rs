//! Which call fails, and how.

use std::sync::{Mutex, PoisonError};

use libsqlite3_sys as ffi;

/// What SQLite asks of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Delete,
    Access,
    Read,
    Write,
    Truncate,
    Sync,
    FileSize,
    Lock,
    Unlock,
    CheckReservedLock,
    MapShared,
    LockShared,
}

/// How a call fails. Each fault concerns certain calls, and only those are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Any call: `SQLITE_IOERR` of its kind, `SQLITE_CANTOPEN` for one that opens. Nothing is done.
    Error,
    /// Writes, truncations, syncs and deletions: done, and then reported as failed.
    Late,
    /// Writes: half of it is written, and then `SQLITE_IOERR_WRITE`.
    Torn,
    /// Writes: `SQLITE_FULL`, with half of it written, as where a disk ends.
    Full,
    /// Locks: `SQLITE_BUSY`.
    Busy,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Error, Self::Late, Self::Torn, Self::Full, Self::Busy];

    fn concerns(self, call: Call) -> bool {
        match self {
            Self::Error => true,
            Self::Late => matches!(
                call,
                Call::Write | Call::Truncate | Call::Sync | Call::Delete
            ),
            Self::Torn | Self::Full => call == Call::Write,
            Self::Busy => matches!(call, Call::Lock | Call::LockShared),
        }
    }

    fn verdict(self, call: Call) -> Verdict {
        match self {
            Self::Error => Verdict::Fail(call.error()),
            Self::Late => Verdict::FailDone(call.error()),
            Self::Torn => Verdict::FailHalf(call.error()),
            Self::Full => Verdict::FailHalf(ffi::SQLITE_FULL),
            Self::Busy => Verdict::Fail(ffi::SQLITE_BUSY),
        }
    }
}

impl Call {
    fn error(self) -> i32 {
        match self {
            Self::Open => ffi::SQLITE_CANTOPEN,
            Self::Delete => ffi::SQLITE_IOERR_DELETE,
            Self::Access => ffi::SQLITE_IOERR_ACCESS,
            Self::Read => ffi::SQLITE_IOERR_READ,
            Self::Write => ffi::SQLITE_IOERR_WRITE,
            Self::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Self::Sync => ffi::SQLITE_IOERR_FSYNC,
            Self::FileSize => ffi::SQLITE_IOERR_FSTAT,
            Self::Lock => ffi::SQLITE_IOERR_LOCK,
            Self::Unlock => ffi::SQLITE_IOERR_UNLOCK,
            Self::CheckReservedLock => ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
            Self::MapShared => ffi::SQLITE_IOERR_SHMMAP,
            Self::LockShared => ffi::SQLITE_IOERR_SHMLOCK,
        }
    }
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// One call fails.
    Once,
    /// That call and all after it fail, until the disk is repaired.
    UntilRepaired,
}

impl Lasting {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Once, Self::UntilRepaired];
}

/// What becomes of a call.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    Pass,
    Fail(i32),
    FailHalf(i32),
    FailDone(i32),
}

/// What a disk has been told, and how far it is.
#[derive(Default)]
pub(crate) struct Plan(Mutex<State>);

#[derive(Default)]
struct State {
    fault: Option<(Fault, Lasting)>,
    /// Calls of the fault's kind until it strikes.
    left: u32,
    struck: Option<Call>,
}

impl Plan {
    pub(crate) fn set(&self, fault: Fault, number: u32, lasting: Lasting) {
        *self.state() = State {
            fault: Some((fault, lasting)),
            left: number,
            struck: None,
        };
    }

    /// Ends the fault; says which call it has struck first.
    pub(crate) fn end(&self) -> Option<Call> {
        std::mem::take(&mut *self.state()).struck
    }

    pub(crate) fn ask(&self, call: Call) -> Verdict {
        let mut state = self.state();
        let Some((fault, lasting)) = state.fault else {
            return Verdict::Pass;
        };
        if !fault.concerns(call) {
            return Verdict::Pass;
        }
        state.left = state.left.saturating_sub(1);
        let strikes =
            state.left == 0 && (state.struck.is_none() || lasting == Lasting::UntilRepaired);
        if !strikes {
            return Verdict::Pass;
        }
        state.struck.get_or_insert(call);
        fault.verdict(call)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
