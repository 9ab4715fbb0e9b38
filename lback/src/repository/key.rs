use std::fmt;

/// A row with a key: what a repository creates, updates and deletes.
///
/// Implemented by `#[repository]` for its `entity`, from Diesel's `Identifiable`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the entity of a repository",
    label = "no `#[repository(entity = ..)]` names it"
)]
pub trait Entity: Sized + 'static {
    /// The primary key. Two that the database tells apart must not be equal: where many rows are written they would
    /// be taken for one.
    ///
    /// Of a key of several columns it is the tuple of their values, in the order in which the entity
    /// names them.
    type Key: Clone + Ord + fmt::Debug + 'static;

    /// Whether it has one column or several.
    // Not public API.
    #[doc(hidden)]
    type Form;

    /// The name in errors, such as `user`.
    const NAME: &'static str;

    /// The row's key.
    fn key(&self) -> Self::Key;
}

/// Implemented beside [`Entity`] for nothing but its name, which the compiler prints where a second
/// repository declares the same entity.
// Not public API. Used by generated code.
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub trait add_shared_entity_to_the_second_repository {}

/// What names a row: the row itself, or its key.
///
/// `Via` tells the two apart, and is inferred: without it the implementations could overlap.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a row of `{E}`",
    label = "pass the row, as `&{E}`, or its key",
    note = "a key is what the entity's `Identifiable` names, and of that very type: for an `id: i64` it is `7_i64`, and for the built-in users `UserId::from(7)`"
)]
pub trait AsKey<E: Entity, Via> {
    /// The key.
    fn as_key(&self) -> E::Key;

    /// The row, if it was named by itself.
    // Not public API.
    #[doc(hidden)]
    fn as_row(&self) -> Option<&E> {
        None
    }
}

/// A row was named by itself.
#[derive(Debug)]
pub enum ByRow {}

// Each entity implements it for its own key: an implementation for every `E::Key` would have the
// compiler say of a wrong key that the entity's should be of that type.
/// A row was named by its key.
#[derive(Debug)]
pub enum ByKey {}

impl<E: Entity> AsKey<E, ByRow> for &E {
    fn as_key(&self) -> E::Key {
        self.key()
    }

    fn as_row(&self) -> Option<&E> {
        Some(self)
    }
}

/// A key where the entity is not known: it is not asked for its version.
pub(super) struct KeyOf<E: Entity>(pub(super) E::Key);

/// A row was named by the key of another.
pub(super) enum ByKeyOf {}

impl<E: Entity> AsKey<E, ByKeyOf> for KeyOf<E> {
    fn as_key(&self) -> E::Key {
        self.0.clone()
    }
}

/// A row was named by the text of its key.
#[derive(Debug)]
pub enum ByText {}

/// Of a key that is made of text, such as a `String`.
#[diagnostic::do_not_recommend]
impl<E: Entity> AsKey<E, ByText> for &str
where
    E::Key: for<'a> From<&'a str>,
{
    fn as_key(&self) -> E::Key {
        E::Key::from(self)
    }
}
