//! The hashes that can be read, and what each of them costs.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use bcrypt::HashParts;

use super::error::PasswordError;
use crate::value::equal;

type Result<T> = std::result::Result<T, PasswordError>;

/// bcrypt reads no more of a password.
pub(super) const BCRYPT_BYTES: usize = 72;

/// Cost 15 takes about two seconds.
pub(super) const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=15;

/// 1 GiB, and four passes over it: libsodium's `crypto_pwhash_*_SENSITIVE`.
const ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
const ARGON2_MEMORY_PASSES_KIB: u64 = 4 * 1024 * 1024;

/// A stored hash, taken apart; its cost is one that may be computed.
pub(super) enum Format<'a> {
    Argon2(Box<Argon2Hash>),
    Bcrypt { cost: u32, text: &'a str },
}

pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: phc::Salt,
    output: phc::Output,
}

impl<'a> Format<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        if text.starts_with("$argon2") {
            let hash = Argon2Hash::parse(text).ok_or(PasswordError::UnknownFormat)?;
            check_argon2_cost(&hash.params)?;
            return Ok(Self::Argon2(Box::new(hash)));
        }
        // Not `$2x$`, which marks the hashes of a PHP release with a flaw.
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            return Err(PasswordError::UnknownFormat);
        }
        let parts: HashParts = text.parse().map_err(|_| PasswordError::UnknownFormat)?;
        match parts.get_cost() {
            cost if BCRYPT_COSTS.contains(&cost) => Ok(Self::Bcrypt { cost, text }),
            cost if cost < *BCRYPT_COSTS.start() => Err(PasswordError::UnknownFormat),
            _ => Err(PasswordError::CostTooHigh {
                algorithm: "bcrypt",
            }),
        }
    }

    pub(super) fn matches(&self, plain: &str) -> Result<bool> {
        match self {
            Self::Argon2(hash) => hash.matches(plain),
            Self::Bcrypt { text, .. } => {
                // Computed in any case, so that the time does not tell what kind of hash it is.
                let matches = bcrypt::verify(plain, text)
                    .map_err(|error| PasswordError::HashingFailed(error.into()))?;
                Ok(matches && is_whole_for_bcrypt(plain))
            }
        }
    }
}

impl Argon2Hash {
    /// Its cost, if it is of the kind that is made today.
    pub(super) fn cost(&self) -> Option<&Params> {
        let is_made_today = self.algorithm == Algorithm::Argon2id && self.version == Version::V0x13;
        is_made_today.then_some(&self.params)
    }

    fn parse(text: &str) -> Option<Self> {
        let hash = phc::PasswordHash::new(text).ok()?;
        Some(Self {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).ok()?,
            version: match hash.version {
                Some(version) => Version::try_from(version).ok()?,
                // The reference implementation's `decode_string`: hashes of before 1.3 have none.
                None => Version::V0x10,
            },
            params: Params::try_from(&hash).ok()?,
            salt: hash.salt?,
            output: hash.hash?,
        })
    }

    fn matches(&self, plain: &str) -> Result<bool> {
        let mut computed = vec![0; self.output.len()];
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into(plain.as_bytes(), &self.salt, &mut computed)
            .map_err(|error| PasswordError::HashingFailed(error.into()))?;
        Ok(equal(&computed, self.output.as_bytes()))
    }
}

/// The work of argon2 grows with memory times passes; lanes share it out and add nothing.
pub(super) fn check_argon2_cost(params: &Params) -> Result<()> {
    let memory_passes = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > ARGON2_MEMORY_KIB || memory_passes > ARGON2_MEMORY_PASSES_KIB {
        return Err(PasswordError::CostTooHigh {
            algorithm: "argon2",
        });
    }
    Ok(())
}

/// Whether bcrypt tells `plain` from every other password.
///
/// It cuts off what is beyond 72 bytes. And it repeats password and a final NUL until 72 bytes are
/// full, so that `a` and `a\0a` are one.
pub(super) fn is_whole_for_bcrypt(plain: &str) -> bool {
    plain.len() <= BCRYPT_BYTES && !plain.contains('\0')
}
