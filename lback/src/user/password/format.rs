//! The hashes that can be read, and what each of them costs.

use std::borrow::Cow;

use bcrypt::HashParts;

use super::limit::{CostLimit, LEAST_BCRYPT_COST};
use super::phc::Argon2Hash;
use crate::error::PasswordError;

type Result<T> = std::result::Result<T, PasswordError>;

/// bcrypt reads no more of a password.
pub(super) const BCRYPT_BYTES: usize = 72;

/// A stored hash, taken apart; its cost is one that may be computed.
pub(super) enum Format<'a> {
    Argon2(Box<Argon2Hash>),
    Bcrypt { cost: u32, text: Cow<'a, str> },
}

impl<'a> Format<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        if text.starts_with("$argon2") {
            let hash = Argon2Hash::parse(text).ok_or(PasswordError::UnknownFormat)?;
            CostLimit::current().check_argon2(hash.params())?;
            return Ok(Self::Argon2(Box::new(hash)));
        }
        // Not `$2x$`, which marks the hashes of a PHP release with a flaw.
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            return Err(PasswordError::UnknownFormat);
        }
        let text = without_padding_bits(text);
        let parts: HashParts = text.parse().map_err(|_| PasswordError::UnknownFormat)?;
        let cost = parts.get_cost();
        if cost < LEAST_BCRYPT_COST {
            return Err(PasswordError::UnknownFormat);
        }
        CostLimit::current().check_bcrypt(cost)?;
        Ok(Self::Bcrypt { cost, text })
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

/// The last digit of a bcrypt salt has four bits that stand for nothing, and the last of the output two.
/// Some programs have written anything there (passlib: "bcrypt salt with padding bits set").
fn without_padding_bits(text: &str) -> Cow<'_, str> {
    const DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    /// Behind `$2b$12$`: 22 digits of salt, 31 of output.
    const LAST_DIGITS: [(usize, usize); 2] = [(28, 0b11_0000), (59, 0b11_1100)];
    let mut bytes = text.as_bytes().to_vec();
    for (place, mask) in LAST_DIGITS {
        let Some(byte) = bytes.get_mut(place) else {
            return text.into();
        };
        if let Some(value) = DIGITS.iter().position(|digit| digit == byte) {
            *byte = DIGITS[value & mask];
        }
    }
    if bytes == text.as_bytes() {
        return text.into();
    }
    String::from_utf8(bytes).map_or(text.into(), Cow::Owned)
}

/// Whether bcrypt tells `plain` from every other password.
///
/// It cuts off what is beyond 72 bytes. And it repeats password and a final NUL until 72 bytes are
/// full, so that `a` and `a\0a` are one.
pub(super) fn is_whole_for_bcrypt(plain: &str) -> bool {
    plain.len() <= BCRYPT_BYTES && !plain.contains('\0')
}
