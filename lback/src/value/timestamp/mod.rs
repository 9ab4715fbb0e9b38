//! [`Timestamp`]: an instant in UTC, as exact as all databases keep it.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, in whole microseconds.
///
/// Microseconds are what PostgreSQL, MySQL's `DATETIME(6)` and the Python framework keep, so a value
/// read back equals the value written. What is finer is cut off.
///
/// It stands for [`Instant`](crate::sql_types::Instant), the type of the columns of `users`, and in
/// tables of yours for Diesel's [`Timestamp`](diesel::sql_types::Timestamp); on MySQL better for
/// `Datetime`, because MariaDB takes a bound `TIMESTAMP` beyond 2038 for NULL. On SQLite it is written as
/// SQLAlchemy writes it, `2026-01-31 12:30:15.000123`: always six digits, because SQLAlchemy reads
/// them as a number of microseconds, and because texts of one length sort like the instants. Whatever
/// form SQLite's functions read is read, and RFC 3339; an offset is taken into account.
///
/// The years 1 to 9999 can be written on SQLite and MySQL, and on PostgreSQL what both it and chrono can
/// hold. What lies beyond is an error when it is written, and when it is read: `infinity`, year 262143,
/// MySQL's `0000-00-00`.
///
/// `Display` and `Serialize` give RFC 3339, and `Deserialize` reads it. All methods of chrono's `DateTime<Utc>` are at hand.
///
/// ```
/// use chrono::{Datelike, TimeDelta};
/// use lback::Timestamp;
///
/// let now = Timestamp::now();
/// let tomorrow = Timestamp::from(*now + TimeDelta::days(1));
/// assert!(now < tomorrow && now.year() >= 2026);
///
/// let instant = Timestamp::from(chrono::DateTime::UNIX_EPOCH + TimeDelta::nanoseconds(1_500));
/// assert_eq!(instant.to_string(), "1970-01-01T00:00:00.000001Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = crate::value::Instant)]
#[diesel(sql_type = diesel::sql_types::Timestamp)]
#[cfg_attr(feature = "mysql", diesel(sql_type = diesel::sql_types::Datetime))]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The instant of this call.
    pub fn now() -> Self {
        Utc::now().into()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        // A leap second, which no database keeps, becomes the second after it.
        Self(DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant))
    }
}

impl From<NaiveDateTime> for Timestamp {
    /// Takes a date and time without a zone to be in UTC, as all columns are.
    fn from(utc: NaiveDateTime) -> Self {
        utc.and_utc().into()
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl Deref for Timestamp {
    type Target = DateTime<Utc>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// From RFC 3339, with whatever offset.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom("a timestamp is not in RFC 3339"))?;
        Ok(instant.with_timezone(&Utc).into())
    }
}

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(any(feature = "postgres", feature = "diesel-async"))]
mod postgres {
    use chrono::{Datelike, NaiveDateTime};
    use diesel::deserialize::{self, FromSql};
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types;

    use super::Timestamp;
    use crate::value::{Instant, WithoutValue};

    /// PostgreSQL's first year is 4713 before Christ, which chrono calls -4712.
    const FIRST_YEAR: i32 = -4712;

    impl ToSql<sql_types::Timestamp, Pg> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            let naive = self.naive_utc();
            if naive.year() < FIRST_YEAR {
                return Err(WithoutValue(
                    "a timestamp on PostgreSQL must lie after 4713 BC".into(),
                )
                .into());
            }
            ToSql::<sql_types::Timestamp, Pg>::to_sql(&naive, &mut out.reborrow())
        }
    }

    impl ToSql<Instant, Pg> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<sql_types::Timestamp, Pg>::to_sql(self, out)
        }
    }

    impl FromSql<Instant, Pg> for Timestamp {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            <Self as FromSql<sql_types::Timestamp, Pg>>::from_sql(value)
        }
    }

    impl FromSql<sql_types::Timestamp, Pg> for Timestamp {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            <NaiveDateTime as FromSql<sql_types::Timestamp, Pg>>::from_sql(value).map(Self::from)
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use chrono::{Datelike, NaiveDateTime};
    use diesel::deserialize::{self, FromSql};
    use diesel::mysql::{Mysql, MysqlValue};
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types;

    use super::Timestamp;
    use crate::value::{Instant, WithoutValue};

    /// A server that is not strict stores what it cannot hold as `0000-00-00`, without a word.
    fn storable(timestamp: &Timestamp) -> Result<NaiveDateTime, WithoutValue> {
        let naive = timestamp.naive_utc();
        if (1..=9999).contains(&naive.year()) {
            return Ok(naive);
        }
        Err(WithoutValue(
            "a timestamp on MySQL must lie in the years 1 to 9999".into(),
        ))
    }

    impl ToSql<sql_types::Timestamp, Mysql> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            let naive = storable(self)?;
            ToSql::<sql_types::Timestamp, Mysql>::to_sql(&naive, &mut out.reborrow())
        }
    }

    impl ToSql<sql_types::Datetime, Mysql> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            let naive = storable(self)?;
            ToSql::<sql_types::Datetime, Mysql>::to_sql(&naive, &mut out.reborrow())
        }
    }

    impl FromSql<sql_types::Datetime, Mysql> for Timestamp {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            <NaiveDateTime as FromSql<sql_types::Datetime, Mysql>>::from_sql(value).map(Self::from)
        }
    }

    impl ToSql<Instant, Mysql> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            ToSql::<sql_types::Datetime, Mysql>::to_sql(self, out)
        }
    }

    impl FromSql<Instant, Mysql> for Timestamp {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            <Self as FromSql<sql_types::Datetime, Mysql>>::from_sql(value)
        }
    }

    impl FromSql<sql_types::Timestamp, Mysql> for Timestamp {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            <NaiveDateTime as FromSql<sql_types::Timestamp, Mysql>>::from_sql(value).map(Self::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeDelta};

    use super::Timestamp;

    #[test]
    fn what_is_finer_than_microseconds_is_cut_off() {
        let before_1970 = chrono::DateTime::UNIX_EPOCH - TimeDelta::nanoseconds(1);
        let cut = Timestamp::from(before_1970);
        assert_eq!(cut.to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from(*cut), cut);
    }

    #[test]
    fn a_leap_second_becomes_the_second_after_it() {
        let leap = NaiveDate::from_ymd_opt(2016, 12, 31)
            .and_then(|day| day.and_hms_micro_opt(23, 59, 59, 1_250_000))
            .map(|naive| Timestamp::from(naive).to_string());
        assert_eq!(leap.as_deref(), Some("2017-01-01T00:00:00.250000Z"));
    }

    #[test]
    fn it_serializes_as_rfc_3339() {
        let epoch = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
        let json = serde_json::to_string(&epoch).ok();
        assert_eq!(json.as_deref(), Some("\"1970-01-01T00:00:00.000000Z\""));
        assert_eq!(format!("{epoch:?}"), epoch.to_string());
    }
}
