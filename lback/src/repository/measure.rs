//! What the data of a row says before a statement is made of it: how much it binds, and which keys it
//! gives.

use std::any::TypeId;

use diesel::QueryResult;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Integer, SmallInt};

use super::bound::{Changes, Inserts};
use super::dialect::Dialect;
use super::keyed::Keyed;
use super::model::{BackendOf, Conn, Form, Key, Model, Updates};
use super::sql::prepared::no_changes;
use super::sql::statement::names;
use super::sql::text::text_of;

/// How many values the insert of a row binds.
pub(super) fn binds_of_insert<R: Model>(data: &R::Insert) -> QueryResult<usize> {
    let row = text_of::<BackendOf<R>, _>(&R::Inserted::values(data))?;
    Ok(Conn::<R>::SYNTAX.binds(&row))
}

/// About how many bytes the insert of a row binds, and rather more than fewer: Diesel tells them as
/// it prints them.
pub(super) fn bytes_of_insert<R: Model>(data: &R::Insert) -> usize {
    bytes_of::<R>(&R::Inserted::values(data))
}

/// The same, of the changes that an update makes.
pub(super) fn bytes_of_update<R: Updates>(update: &R::Update) -> usize {
    bytes_of::<R>(&R::Changed::changes(update))
}

fn bytes_of<R: Model>(values: &impl QueryFragment<BackendOf<R>>) -> usize {
    let mut size = Size(0);
    let printed = diesel::debug_query::<BackendOf<R>, _>(values);
    // It fails for nothing but what could not be executed either.
    let _ = std::fmt::write(&mut size, format_args!("{printed}"));
    size.0
}

struct Size(usize);

impl std::fmt::Write for Size {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// How many values an update binds beside keys; `Err(EmptyChangeset)` if there is nothing to set.
pub(super) fn binds_of_update<R: Updates>(update: &R::Update) -> QueryResult<usize> {
    let changes = R::Changed::changes(update);
    if changes.is_noop(&BackendOf::<R>::default())? {
        return Err(no_changes());
    }
    let text = text_of::<BackendOf<R>, _>(&changes)?;
    Ok(Conn::<R>::SYNTAX.binds(&text))
}

/// Whether an update gives its row another key.
pub(super) fn sets_key<R: Updates>(update: &R::Update) -> QueryResult<bool> {
    let text = text_of::<BackendOf<R>, _>(&R::Changed::changes(update))?;
    let keys = &names::<R>()?.keys;
    Ok(keys.iter().any(|key| Conn::<R>::SYNTAX.sets(&text, key)))
}

/// Whether the database makes the keys of all these rows, and they then tell which row is which.
pub(super) fn makes_ascending_keys<R: Model>(data: &[R::Insert]) -> QueryResult<bool> {
    Ok(has_integer_key::<R>() && makes_keys::<R>(data)?)
}

/// Whether the database makes the keys of all these rows.
fn makes_keys<R: Model>(data: &[R::Insert]) -> QueryResult<bool> {
    let same_for_all = R::Inserted::SAME_FOR_ALL;
    let key = &names::<R>()?.key;
    let asked = if same_for_all { 1 } else { data.len() };
    for row in data.iter().take(asked) {
        let row = text_of::<BackendOf<R>, _>(&R::Inserted::values(row))?;
        if Conn::<R>::SYNTAX.gives(&row, key) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the key is one integer: keys of this type that the database makes may ascend in the order of
/// the rows of one INSERT.
fn has_integer_key<R: Model>() -> bool {
    <R::Table as Keyed<Conn<R>, Key<R>, Form<R>>>::key_type().is_some_and(is_integer)
}

/// Whether a key may be the number 0, in place of which MySQL makes one. Of a type of one's own that is told by what
/// it prints; and a key of several columns is taken for another.
pub(super) fn may_be_zero<R: Model>(key: &Key<R>) -> bool {
    has_integer_key::<R>() && prints_zero(&format!("{key:?}"))
}

/// Whether of the numbers in a text none is another than 0. A digit in a name is no number.
fn prints_zero(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    !words.any(|word| {
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        is_number && word.bytes().any(|byte| byte != b'0')
    })
}

/// Whether two keys are equal to the database where they are to the program: integers are. Others may
/// differ in case, in accents, in spaces behind.
pub(super) fn are_keys_exact<R: Model>() -> bool {
    let types = <R::Table as Keyed<Conn<R>, Key<R>, Form<R>>>::key_types();
    types.into_iter().all(is_integer)
}

/// How many columns the key has.
pub(super) const fn key_columns<R: Model>() -> usize {
    <R::Table as Keyed<Conn<R>, Key<R>, Form<R>>>::COLUMNS
}

fn is_integer(key: TypeId) -> bool {
    #[cfg(feature = "mysql")]
    {
        use diesel::sql_types::Unsigned;
        let unsigned = [
            TypeId::of::<Unsigned<SmallInt>>(),
            TypeId::of::<Unsigned<Integer>>(),
            TypeId::of::<Unsigned<BigInt>>(),
        ];
        if unsigned.contains(&key) {
            return true;
        }
    }
    [
        TypeId::of::<SmallInt>(),
        TypeId::of::<Integer>(),
        TypeId::of::<BigInt>(),
    ]
    .contains(&key)
}

#[cfg(test)]
mod tests {
    use super::prints_zero;

    #[test]
    fn a_digit_in_the_name_of_a_type_is_no_number() {
        for text in ["0", "Id32(0)", "ItemV2Id(0)", "Key { id: 0 }", "***"] {
            assert!(prints_zero(text), "{text}");
        }
        for text in ["7", "-7", "10", "Id32(70)", "Key { id: 5 }"] {
            assert!(!prints_zero(text), "{text}");
        }
    }
}
