//! In which form a password is given: as text, or hashed. Traits, so that the compiler can say which one
//! is wanted where the other is given.

use super::Password;

/// A password as a person typed it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plain password",
    label = "the text of a password is wanted",
    note = "one that is hashed already goes into `NewUser::with_password(..)`"
)]
pub trait PlainPassword {
    /// The text.
    fn plain(&self) -> &str;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str> + ?Sized> PlainPassword for T {
    fn plain(&self) -> &str {
        self.as_ref()
    }
}

/// A password that is hashed already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hashed password",
    label = "a `Password` is wanted",
    note = "`NewUser::new(..)` takes the password as text, and hashes it; `Password::new(text)?` hashes it alone"
)]
pub trait HashedPassword {
    /// The hash.
    fn hashed(self) -> Password;
}

impl HashedPassword for Password {
    fn hashed(self) -> Password {
        self
    }
}
