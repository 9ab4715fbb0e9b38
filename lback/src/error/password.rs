//! [`PasswordError`]. Here, so that [`Error`](super::Error) keeps its type.

use std::error::Error as StdError;
use std::fmt;

/// Why a password could not be hashed or compared. It never holds a password or a hash.
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswordError {
    /// The text is no hash of a known format, or a damaged one.
    UnknownFormat,
    /// The hash asks for more work than the `CostLimit` allows.
    #[non_exhaustive]
    CostTooHigh {
        /// `argon2` or `bcrypt`.
        algorithm: &'static str,
    },
    /// A `Hasher` cannot have this cost.
    #[non_exhaustive]
    CostNotAllowed {
        /// `argon2` or `bcrypt`.
        algorithm: &'static str,
    },
    /// `Hasher::set_default` came after another call of it, or after
    /// the first password.
    DefaultAlreadyInUse,
    /// `CostLimit::set` came after another call of it, or after the first
    /// password.
    LimitAlreadyInUse,
    /// The hash could not be computed: no memory, or no randomness.
    HashingFailed(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("the password hash has no known format"),
            Self::CostTooHigh { algorithm } => {
                write!(
                    f,
                    "the password hash asks for more {algorithm} work than the limit allows"
                )
            }
            Self::CostNotAllowed { algorithm } => {
                write!(f, "{algorithm} cannot be set to this cost")
            }
            Self::DefaultAlreadyInUse => f.write_str(
                "another default for hashing passwords is in use already: \
                 set it once, at the start of the program",
            ),
            Self::LimitAlreadyInUse => f.write_str(
                "another limit for the cost of stored hashes is in use already: \
                 set it once, at the start of the program",
            ),
            Self::HashingFailed(_) => f.write_str("the password could not be hashed"),
        }
    }
}

impl StdError for PasswordError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::HashingFailed(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<PasswordError> for super::Error {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}
