//! [`WithoutValue`]: what may be said of a value that cannot be stored or read.

use std::error::Error as StdError;
use std::fmt;

/// An error whose text is written here, so that no value stands in it. What is masked elsewhere, in
/// the texts of other errors, is kept in this one.
#[derive(Debug)]
pub(crate) struct WithoutValue(pub(crate) std::borrow::Cow<'static, str>);

impl fmt::Display for WithoutValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for WithoutValue {}
