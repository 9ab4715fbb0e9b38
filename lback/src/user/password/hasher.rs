//! [`Hasher`]: how new passwords are hashed.

use std::sync::OnceLock;

use argon2::{Argon2, Params, PasswordHasher};

use super::Password;
use super::format::{self, BCRYPT_BYTES, Format};
use super::limit::{CostLimit, LEAST_BCRYPT_COST};
use crate::error::PasswordError;
use crate::error::{Invalid, Result};

const PLAIN_BYTES: usize = 1024;

static DEFAULT: OnceLock<Hasher> = OnceLock::new();

/// How new passwords are hashed: algorithm and cost.
///
/// The default is argon2id with 19 MiB, 2 passes and 1 lane, the minimum that OWASP's Password
/// Storage Cheat Sheet gives, and the default of the crate `argon2`.
///
/// ```
/// use lback::Password;
/// use lback::password::Hasher;
///
/// // At the start of the program, before the first password.
/// Hasher::argon2id(46 * 1024, 1, 1)?.set_default()?;
///
/// let password = Password::new("correct horse battery")?;
/// # assert!(password.verify("correct horse battery")?.is_match());
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher(Algorithm);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Argon2id {
        m_cost: u32,
        t_cost: u32,
        p_cost: u32,
    },
    Bcrypt {
        cost: u32,
    },
}

impl Default for Hasher {
    /// OWASP's minimum; not what [`set_default`](Self::set_default) has set.
    fn default() -> Self {
        Self::of_params(&Params::DEFAULT)
    }
}

impl Hasher {
    /// Argon2id with `m_cost` KiB of memory, `t_cost` passes over it, and `p_cost` lanes (which are
    /// computed one after another).
    ///
    /// Values below the default belong in tests only.
    ///
    /// # Errors
    ///
    /// [`PasswordError::CostNotAllowed`] if argon2 does not have these costs, such as less than 8 KiB
    /// a lane, and [`PasswordError::CostTooHigh`] if [`Password::verify`] would refuse them.
    ///
    /// ```
    /// use lback::password::Hasher;
    ///
    /// assert_eq!(Hasher::argon2id(19 * 1024, 2, 1)?, Hasher::default());
    /// assert!(Hasher::argon2id(0, 0, 0).is_err());
    /// # lback::Result::Ok(())
    /// ```
    pub fn argon2id(
        m_cost: u32,
        t_cost: u32,
        p_cost: u32,
    ) -> std::result::Result<Self, PasswordError> {
        let params = Params::new(m_cost, t_cost, p_cost, None).map_err(|_| {
            PasswordError::CostNotAllowed {
                algorithm: "argon2",
            }
        })?;
        CostLimit::current().check_argon2(&params)?;
        Ok(Self::of_params(&params))
    }

    /// Bcrypt, for a table in which a Python application still checks passwords. Its cost there is
    /// 12; OWASP asks for 10 at least.
    ///
    /// It takes no password of more than 72 bytes, and none with a NUL character.
    ///
    /// # Errors
    ///
    /// [`PasswordError::CostNotAllowed`] below 4, which is not defined, and
    /// [`PasswordError::CostTooHigh`] above the [`CostLimit`](super::CostLimit): 14, unless it is set.
    ///
    /// ```
    /// use lback::password::Hasher;
    ///
    /// let readable_by_python = Hasher::bcrypt(12)?;
    /// assert!(readable_by_python.hash("x".repeat(73)).is_err());
    /// # lback::Result::Ok(())
    /// ```
    pub fn bcrypt(cost: u32) -> std::result::Result<Self, PasswordError> {
        if cost < LEAST_BCRYPT_COST {
            return Err(PasswordError::CostNotAllowed {
                algorithm: "bcrypt",
            });
        }
        CostLimit::current().check_bcrypt(cost)?;
        Ok(Self::of_bcrypt_cost(cost))
    }

    /// Makes this the way in which the whole process hashes from now on: [`Password::new`], and
    /// what [`Password::verify`] compares with to ask for a rehash.
    ///
    /// It can be set once, before the first password is hashed or checked, so that no password is
    /// made in a way that nobody meant. Setting the same again does nothing.
    ///
    /// # Errors
    ///
    /// [`PasswordError::DefaultAlreadyInUse`].
    pub fn set_default(self) -> std::result::Result<(), PasswordError> {
        if *DEFAULT.get_or_init(|| self) == self {
            return Ok(());
        }
        Err(PasswordError::DefaultAlreadyInUse)
    }

    /// Hashes `plain` in this way, whatever the default is.
    ///
    /// # Errors
    ///
    /// Those of [`Password::new`]; with bcrypt also [`Error::Invalid`](crate::Error::Invalid) for
    /// more than 72 bytes and for a NUL character, which bcrypt would cut or confuse.
    pub fn hash(self, plain: impl AsRef<str>) -> Result<Password> {
        let plain = plain.as_ref();
        self.check(plain)?;
        Ok(Password(self.compute(plain)?))
    }

    /// The process-wide default. From now on it cannot be set any more.
    pub(super) fn current() -> Self {
        *DEFAULT.get_or_init(Self::default)
    }

    pub(super) fn of_params(params: &Params) -> Self {
        Self(Algorithm::Argon2id {
            m_cost: params.m_cost(),
            t_cost: params.t_cost(),
            p_cost: params.p_cost(),
        })
    }

    pub(super) const fn of_bcrypt_cost(cost: u32) -> Self {
        Self(Algorithm::Bcrypt { cost })
    }

    /// Whether `plain` may become a password.
    pub(super) fn check(self, plain: &str) -> std::result::Result<(), Invalid> {
        let reason = match self.0 {
            _ if plain.is_empty() => "The password must not be empty.",
            _ if plain.len() > PLAIN_BYTES => "The password must have at most 1,024 bytes.",
            Algorithm::Bcrypt { .. } if plain.len() > BCRYPT_BYTES => {
                "The password must have at most 72 bytes."
            }
            Algorithm::Bcrypt { .. } if !format::is_whole_for_bcrypt(plain) => {
                "The password must not contain NUL characters."
            }
            _ => return Ok(()),
        };
        Err(Invalid::new("password", reason))
    }

    pub(super) fn compute(self, plain: &str) -> std::result::Result<String, PasswordError> {
        match self.0 {
            Algorithm::Argon2id {
                m_cost,
                t_cost,
                p_cost,
            } => {
                let params = Params::new(m_cost, t_cost, p_cost, None)
                    .map_err(|error| PasswordError::HashingFailed(error.into()))?;
                let hash = Argon2::from(params)
                    .hash_password(plain.as_bytes())
                    .map_err(|error| PasswordError::HashingFailed(error.into()))?;
                Ok(hash.to_string())
            }
            Algorithm::Bcrypt { cost } => bcrypt::hash(plain, cost)
                .map_err(|error| PasswordError::HashingFailed(error.into())),
        }
    }
}

impl Format<'_> {
    /// Whether `hasher` would make a hash of this kind and cost today.
    pub(super) fn is_made_by(&self, hasher: Hasher) -> bool {
        match self {
            Self::Argon2(hash) => hash
                .cost()
                .is_some_and(|params| hasher == Hasher::of_params(params)),
            Self::Bcrypt { cost, .. } => hasher == Hasher::of_bcrypt_cost(*cost),
        }
    }
}
