//! The INSERT of parcels: one statement for many.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text};

use crate::session::ledger::Parcel;

/// How a database writes a row of the outbox.
pub(crate) trait InsertText: Backend {
    /// Before the rows.
    const HEAD: &'static str;
    /// Around the values of a row: id, receiver, signal, version, generation, key, payload.
    const ROW: [&'static str; 7];
    /// The end of a row that is due at once.
    const DUE: &'static str;
    /// The end of a row that waits for others of its key.
    const HELD: &'static str;
}

/// The INSERT of so many rows, which Diesel knows by its type: so its text is written once a connection.
pub(crate) struct Insert<'a, const ROWS: usize, const HELD: bool>(pub(crate) &'a [&'a Parcel]);

impl<const ROWS: usize, const HELD: bool> QueryId for Insert<'_, ROWS, HELD> {
    type QueryId = Insert<'static, ROWS, HELD>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB, const ROWS: usize, const HELD: bool> QueryFragment<DB> for Insert<'_, ROWS, HELD>
where
    DB: InsertText + HasSqlType<Text> + HasSqlType<BigInt>,
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Option<String>: ToSql<Nullable<Text>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let text = DB::ROW;
        out.push_sql(DB::HEAD);
        for (i, parcel) in self.0.iter().enumerate() {
            if i > 0 {
                out.push_sql(", ");
            }
            out.push_sql(text[0]);
            out.push_bind_param::<Text, str>(&parcel.id)?;
            out.push_sql(text[1]);
            out.push_bind_param::<Text, str>(parcel.receiver.id)?;
            out.push_sql(text[2]);
            out.push_bind_param::<Text, str>(parcel.receiver.signal.name())?;
            out.push_sql(text[3]);
            out.push_bind_param::<BigInt, i64>(&parcel.version)?;
            out.push_sql(text[4]);
            out.push_bind_param::<BigInt, i64>(&parcel.generation)?;
            out.push_sql(text[5]);
            out.push_bind_param::<Nullable<Text>, Option<String>>(&parcel.key)?;
            out.push_sql(text[6]);
            out.push_bind_param::<Text, str>(parcel.text())?;
            out.push_sql(if HELD { DB::HELD } else { DB::DUE });
        }
        Ok(())
    }
}

/// Fails if the database has kept a row out, as a trigger or a rule can.
pub(crate) fn all_stored(stored: usize, parcels: &[&Parcel]) -> QueryResult<()> {
    if stored == parcels.len() {
        return Ok(());
    }
    let what = format!(
        "of {} rows for durable receivers the database has stored {stored}: a trigger or a rule keeps them out \
         of lback_outbox",
        parcels.len()
    );
    Err(DieselError::QueryBuilderError(what.into()))
}

/// How many bytes of payloads a statement may carry: servers refuse one that is too large. It leaves room for the
/// rest of the statement, also where `max_allowed_packet` is 1 MiB.
const MOST_BYTES: usize = 1 << 19;

/// Parts that are not too large for one statement; a row that is, alone.
pub(crate) fn by_size<'p, 'a>(
    mut all: &'p [&'a Parcel],
) -> impl Iterator<Item = &'p [&'a Parcel]> + use<'p, 'a> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |parcel: &&&Parcel| {
            bytes += parcel.text().len();
            bytes <= MOST_BYTES
        };
        let count = all.iter().take_while(fits).count().max(1).min(all.len());
        let (part, rest) = all.split_at(count);
        all = rest;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;
    use crate::receiver::{Function, Place, Registration, SignalInfo, Timing};

    static SIGNAL: SignalInfo =
        SignalInfo::new(TypeId::of::<u8>, "stored", module_path!(), Timing::Post);
    static RECEIVER: Registration = {
        let place = Place {
            file: file!(),
            line: line!(),
            column: column!(),
        };
        Registration::new(&SIGNAL, "receiver", place, || Function::of(&0_u8))
    };

    fn parcel(bytes: usize) -> Parcel {
        Parcel {
            id: "id".to_owned(),
            receiver: &RECEIVER,
            version: 1,
            generation: 1,
            key: None,
            payload: Ok("x".repeat(bytes)),
        }
    }

    #[test]
    fn parts_leave_room_in_the_smallest_packet() {
        let smallest = 1 << 20;
        let parcels: Vec<_> = (0..40)
            .map(|i| parcel(smallest / 16 + i))
            .chain([parcel(2 * smallest), parcel(1), parcel(0)])
            .collect();
        let all: Vec<_> = parcels.iter().collect();
        let sizes: Vec<Vec<_>> = by_size(&all)
            .map(|part| part.iter().map(|it| it.text().len()).collect())
            .collect();
        assert_eq!(sizes.iter().map(Vec::len).sum::<usize>(), 43);
        for part in &sizes {
            let bytes: usize = part.iter().sum();
            assert!(
                part.len() == 1 || bytes <= smallest * 3 / 4,
                "{} rows of {bytes} bytes",
                part.len()
            );
        }
    }
}
