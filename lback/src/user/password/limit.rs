//! [`CostLimit`]: how much work a stored hash may ask for.

use std::sync::OnceLock;

use argon2::Params;

use crate::error::PasswordError;

/// Its bounds on cost are in `Hasher` too: less is not defined.
pub(super) const LEAST_BCRYPT_COST: u32 = 4;
const MOST_BCRYPT_COST: u32 = 31;

static LIMIT: OnceLock<CostLimit> = OnceLock::new();

/// How much work a stored hash may ask for: what asks for more is not computed.
///
/// A hash says itself what it costs, so whoever can write one row of the table can make each log-in of
/// that name as dear as this limit. The default allows argon2 with 256 MiB and three passes over it
/// (libsodium's `MODERATE`), and bcrypt up to cost 14: each takes about a second.
///
/// ```
/// use lback::password::CostLimit;
///
/// // At the start of the program, before the first password.
/// CostLimit::default().bcrypt(15).set()?;
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostLimit {
    argon2_kib: u32,
    argon2_kib_times_passes: u64,
    bcrypt: u32,
}

impl Default for CostLimit {
    fn default() -> Self {
        Self {
            argon2_kib: 256 * 1024,
            argon2_kib_times_passes: 3 * 256 * 1024,
            bcrypt: 14,
        }
    }
}

impl CostLimit {
    /// Allows argon2 with up to `kib` KiB of memory, and `passes` passes over that much; less memory
    /// may take more passes. Lanes share the work out and add nothing.
    #[must_use]
    pub const fn argon2(mut self, kib: u32, passes: u32) -> Self {
        self.argon2_kib = kib;
        self.argon2_kib_times_passes = kib as u64 * passes as u64;
        self
    }

    /// Allows bcrypt up to `cost`; each more doubles the time. More than 31 is not defined.
    #[must_use]
    pub const fn bcrypt(mut self, cost: u32) -> Self {
        self.bcrypt = cost;
        self
    }

    /// Makes this the limit of the whole process. It can be set once, before the first password is
    /// hashed or checked; setting the same again does nothing.
    ///
    /// # Errors
    ///
    /// [`PasswordError::LimitAlreadyInUse`].
    pub fn set(self) -> Result<(), PasswordError> {
        if *LIMIT.get_or_init(|| self) == self {
            return Ok(());
        }
        Err(PasswordError::LimitAlreadyInUse)
    }

    /// The limit of the process. From now on it cannot be set any more.
    pub(super) fn current() -> Self {
        *LIMIT.get_or_init(Self::default)
    }

    pub(super) fn check_argon2(self, params: &Params) -> Result<(), PasswordError> {
        let kib_times_passes = u64::from(params.m_cost()) * u64::from(params.t_cost());
        if params.m_cost() > self.argon2_kib || kib_times_passes > self.argon2_kib_times_passes {
            return Err(PasswordError::CostTooHigh {
                algorithm: "argon2",
            });
        }
        Ok(())
    }

    pub(super) fn check_bcrypt(self, cost: u32) -> Result<(), PasswordError> {
        if cost > self.bcrypt.min(MOST_BCRYPT_COST) {
            return Err(PasswordError::CostTooHigh {
                algorithm: "bcrypt",
            });
        }
        Ok(())
    }
}
