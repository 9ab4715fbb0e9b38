//! The PHC string format of argon2: `$argon2id$v=19$m=19456,t=2,p=1$salt$output`.
//!
//! By hand, because the crate `phc` knows no outputs below 10 and above 64 bytes, which the reference
//! implementation and its bindings make.

use argon2::{Algorithm, Argon2, AssociatedData, KeyId, Params, ParamsBuilder, Version};

use crate::error::PasswordError;
use crate::value::equal;

/// What argon2 itself asks for, and far above what anybody uses.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=128;
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 8..=128;

/// A hash, taken apart.
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$').peekable();
        let algorithm = match parts.next()? {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            _ => return None,
        };
        let version = match parts.peek()?.strip_prefix("v=") {
            Some(version) => {
                parts.next();
                Version::try_from(number(version)?).ok()?
            }
            // The reference implementation's `decode_string`: hashes of before 1.3 have none.
            None => Version::V0x10,
        };
        let hash = Self {
            algorithm,
            version,
            params: params(parts.next()?)?,
            salt: bytes(parts.next()?).filter(|salt| SALT_BYTES.contains(&salt.len()))?,
            output: bytes(parts.next()?).filter(|output| OUTPUT_BYTES.contains(&output.len()))?,
        };
        parts.next().is_none().then_some(hash)
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// Its cost, if it is of the kind that is made today.
    pub(super) fn cost(&self) -> Option<&Params> {
        let is_made_today = self.algorithm == Algorithm::Argon2id && self.version == Version::V0x13;
        is_made_today.then_some(&self.params)
    }

    pub(super) fn matches(&self, plain: &str) -> Result<bool, PasswordError> {
        let mut computed = vec![0; self.output.len()];
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into(plain.as_bytes(), &self.salt, &mut computed)
            .map_err(|error| PasswordError::HashingFailed(error.into()))?;
        Ok(equal(&computed, &self.output))
    }
}

/// `m=19456,t=2,p=1`, and behind it `keyid=` and `data=`, which nobody seems to use.
fn params(text: &str) -> Option<Params> {
    let mut builder = ParamsBuilder::new();
    let mut fields = text.split(',');
    for name in ["m=", "t=", "p="] {
        let value = number(fields.next()?.strip_prefix(name)?)?;
        match name {
            "m=" => builder.m_cost(value),
            "t=" => builder.t_cost(value),
            _ => builder.p_cost(value),
        };
    }
    for field in fields {
        if let Some(id) = field.strip_prefix("keyid=") {
            builder.keyid(KeyId::new(&bytes(id)?).ok()?);
        } else {
            let data = bytes(field.strip_prefix("data=")?)?;
            builder.data(AssociatedData::new(&data).ok()?);
        }
    }
    builder.build().ok()
}

/// Without signs and leading zeros, as the format says.
fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_least = text == "0" || !text.starts_with('0');
    (is_number && is_least).then(|| text.parse().ok()).flatten()
}

/// Base64 without padding, in which no bit is left over.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (count < 6 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Argon2Hash, bytes};

    #[test]
    fn base64_has_one_form() {
        assert_eq!(bytes("").as_deref(), Some(&[][..]));
        assert_eq!(bytes("AP8").as_deref(), Some(&[0, 255][..]));
        assert_eq!(bytes("TWFu").as_deref(), Some(&b"Man"[..]));
        for odd in ["A", "AP9", "AP8=", "A P8", "A-8A"] {
            assert_eq!(bytes(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let salt = "c2FsdHNhbHQ";
        let output = "AAAAAAAAAAA";
        let parse = |text: &str| Argon2Hash::parse(text).is_some();
        assert!(parse(&format!(
            "$argon2id$v=19$m=8,t=1,p=1${salt}${output}"
        )));
        assert!(parse(&format!("$argon2i$m=8,t=1,p=1${salt}${output}")));
        for damaged in [
            format!("$argon2x$v=19$m=8,t=1,p=1${salt}${output}"),
            format!("$argon2id$v=18$m=8,t=1,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=08,t=1,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=+8,t=1,p=1${salt}${output}"),
            format!("$argon2id$v=19$t=1,m=8,p=1${salt}${output}"),
            format!("$argon2id$v=19$m=8,t=1${salt}${output}"),
            format!("$argon2id$v=19$m=8,t=1,p=1,x=1${salt}${output}"),
            format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdA${output}"),
            format!("$argon2id$v=19$m=8,t=1,p=1${salt}$AAAAAAAAAA"),
            format!("$argon2id$v=19$m=8,t=1,p=1${salt}${output}$"),
            format!("$argon2id$v=19$m=8,t=1,p=1${salt}"),
        ] {
            assert!(!parse(&damaged), "{damaged}");
        }
    }
}
