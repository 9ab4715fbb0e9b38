//! A statement given as text.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text};
use diesel::{QueryResult, RunQueryDsl};

/// A value in a statement.
#[derive(Clone, Copy, Debug)]
pub enum Bind<'a> {
    /// A text.
    Text(&'a str),
    /// A text, or NULL.
    Maybe(Option<&'a str>),
    /// A number.
    Number(i64),
}

/// A statement in which each `?` stands for the next of its values. Diesel keeps it prepared under its
/// text, so there must be few texts.
#[derive(Debug)]
pub(crate) struct Sql<'a, ST> {
    text: &'a str,
    binds: &'a [Bind<'a>],
    of: PhantomData<fn() -> ST>,
}

impl<'a, ST> Sql<'a, ST> {
    pub(crate) fn new(text: &'a str, binds: &'a [Bind<'a>]) -> Self {
        Self {
            text,
            binds,
            of: PhantomData,
        }
    }
}

impl<ST> QueryId for Sql<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Sql<'_, ST> {
    type SqlType = ST;
}

impl<ST, C> RunQueryDsl<C> for Sql<'_, ST> {}

impl<ST, DB> QueryFragment<DB> for Sql<'_, ST>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt>,
    str: ToSql<Text, DB>,
    for<'x> Option<&'x str>: ToSql<Nullable<Text>, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut parts = self.text.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for (part, bind) in parts.zip(self.binds) {
            match bind {
                Bind::Text(text) => out.push_bind_param::<Text, str>(text)?,
                Bind::Maybe(text) => out.push_bind_param::<Nullable<Text>, Option<&str>>(text)?,
                Bind::Number(number) => out.push_bind_param::<BigInt, i64>(number)?,
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

/// Parts of at most `most`: those of up to 16 as they are, and powers of two, so that the statements that
/// name so many have few texts.
pub(crate) fn chunks<T>(mut all: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        if all.is_empty() {
            return None;
        }
        let size = match all.len() {
            few @ ..=16 => few.min(most),
            many => (1 << many.ilog2()).min(most),
        };
        let (chunk, rest) = all.split_at(size);
        all = rest;
        Some(chunk)
    })
}

/// `n` times `part`, with `between` between them.
pub(crate) fn repeated(part: &str, between: &str, n: usize) -> String {
    vec![part; n].join(between)
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn sizes_are_few_and_nothing_is_left_out() {
        let all: Vec<_> = (0..1_000).collect();
        for n in 0..1_000 {
            let parts: Vec<_> = chunks(&all[..n], 128).collect();
            assert_eq!(parts.concat(), all[..n]);
            let is_known = |part: &&[i32]| part.len() <= 16 || part.len().is_power_of_two();
            assert!(parts.iter().all(is_known) && parts.iter().all(|part| part.len() <= 128));
        }
    }
}
