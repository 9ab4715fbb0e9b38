use std::borrow::Cow;

/// A refusal: a receiver that returns it stops the operation, and the caller gets
/// [`Error::Vetoed`](crate::Error::Vetoed).
///
/// It is an error like any other, so it may also travel inside one: in a variant of your own error
/// enum, with `#[source]` or `transparent`, in `anyhow`'s or `eyre`'s error, with context or
/// without. It is found there as long as the error says it: as a source, or in its text. A function
/// that returns [`Result`](crate::Result) refuses with `?` or `.into()`.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_pre_create)]
/// fn company_addresses_only(data: &NewUser) -> Result<(), Veto> {
///     if !data.email.ends_with("@example.com") {
///         return Err(Veto::new("only company addresses may register").field("email"));
///     }
///     Ok(())
/// }
///
/// # let mut session = lback::sqlite::connect(":memory:")?;
/// # lback::sqlite::migrate(&mut session)?;
/// let new = NewUser::new("eve", "eve@elsewhere.org", "a long password")?;
/// match UserRepository::new().create(&mut session, new) {
///     Err(lback::Error::Vetoed { message, field, .. }) => {
///         assert_eq!(message, "only company addresses may register");
///         assert_eq!(field.as_deref(), Some("email"));
///     }
///     other => panic!("{other:?}"),
/// }
/// # lback::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    pub(crate) message: Cow<'static, str>,
    pub(crate) field: Option<Cow<'static, str>>,
}

impl Veto {
    /// Refuses, with a reason for the person who asked.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            field: None,
        }
    }

    /// Names the field that the refusal is about.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}
