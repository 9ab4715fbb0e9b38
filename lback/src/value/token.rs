//! Tokens: what a verification link or a session cookie carries.

use super::Secret;

impl Secret<String> {
    /// A new token for a link or a session, such as the `email_verification_token` and the
    /// `auth_token` of the built-in users: 256 bits from the operating system, as 64 hexadecimal
    /// digits.
    ///
    /// Hexadecimal because that is what the Python framework writes (of 128 bits), and because it
    /// needs no escaping anywhere. A token is stored as it is: whoever reads the table can use it.
    /// Give it an expiry.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers to give. No program should go on then.
    ///
    /// ```
    /// use lback::Secret;
    ///
    /// let invitation = Secret::generate_token();
    /// assert_eq!(invitation.expose_secret().len(), 64);
    /// assert_eq!(invitation.to_string(), "***");
    /// ```
    pub fn generate_token() -> Self {
        let mut bytes = [0_u8; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            panic!("the operating system gave no random numbers: {error}");
        }
        Self::new(hexadecimal(&bytes))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Secret, hexadecimal};

    #[test]
    fn a_token_is_64_digits_and_never_the_same() {
        let (one, other) = (Secret::generate_token(), Secret::generate_token());
        assert_ne!(one, other);
        let text = one.expose_secret();
        assert_eq!(text.len(), 64);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn digits_are_in_order() {
        assert_eq!(hexadecimal(&[0, 1, 0x9f, 0xff]), "00019fff");
    }
}
