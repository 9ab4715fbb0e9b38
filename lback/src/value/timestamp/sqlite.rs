//! SQLAlchemy's text form of a timestamp: `YYYY-MM-DD HH:MM:SS.ffffff`.
//!
//! It is `DATETIME`'s `_storage_format` in SQLAlchemy's SQLite dialect
//! (`lib/sqlalchemy/dialects/sqlite/base.py`). The digits are written and read by hand: chrono's
//! format strings are interpreted at each call, and every row has two to four of these.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::Sqlite;

use super::Timestamp;
use crate::value::{Instant, WithoutValue};

const PATTERN: &[u8; 26] = b"0000-00-00 00:00:00.000000";

impl ToSql<sql_types::Timestamp, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(write(&self.naive_utc())?);
        Ok(IsNull::No)
    }
}

impl ToSql<Instant, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<sql_types::Timestamp, Sqlite>::to_sql(self, out)
    }
}

impl FromSql<Instant, Sqlite> for Timestamp {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<sql_types::Timestamp, Sqlite>>::from_sql(value)
    }
}

impl FromSql<sql_types::Timestamp, Sqlite> for Timestamp {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = value.read_text();
        if let Some(naive) = read(text).or_else(|| read_other(text)) {
            return Ok(naive.into());
        }
        if text.parse::<f64>().is_err() {
            return Err(WithoutValue(
                "the text is no date and time in a form that is known".into(),
            )
            .into());
        }
        // Julian days.
        <NaiveDateTime as FromSql<sql_types::Timestamp, Sqlite>>::from_sql(value).map(Self::from)
    }
}

fn write(utc: &NaiveDateTime) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let Ok(year @ 1..=9999) = u32::try_from(utc.year()) else {
        return Err(
            WithoutValue("a timestamp on SQLite must lie in the years 1 to 9999".into()).into(),
        );
    };
    let mut text = *PATTERN;
    write_digits(&mut text[0..4], year);
    write_digits(&mut text[5..7], utc.month());
    write_digits(&mut text[8..10], utc.day());
    write_digits(&mut text[11..13], utc.hour());
    write_digits(&mut text[14..16], utc.minute());
    write_digits(&mut text[17..19], utc.second());
    write_digits(&mut text[20..26], utc.nanosecond() / 1_000);
    Ok(String::from_utf8(text.to_vec())?)
}

fn write_digits(text: &mut [u8], mut number: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// `None` for every other form, valid or not.
fn read(text: &str) -> Option<NaiveDateTime> {
    let text: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let separated = PATTERN.iter().zip(text).all(|(p, t)| *p == b'0' || p == t);
    if !separated {
        return None;
    }
    let year = i32::try_from(read_digits(&text[0..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, read_digits(&text[5..7])?, read_digits(&text[8..10])?)?
        .and_hms_micro_opt(
            read_digits(&text[11..13])?,
            read_digits(&text[14..16])?,
            read_digits(&text[17..19])?,
            read_digits(&text[20..26])?,
        )
}

/// The other forms that SQLite's own functions write and read, and RFC 3339: a space or a `T`, seconds
/// and their fraction or not, an offset or not. With an offset it is another instant, which Diesel
/// would read without a word as UTC.
fn read_other(text: &str) -> Option<NaiveDateTime> {
    let text = text.to_ascii_uppercase();
    let (local, offset) = split_offset(&text)?;
    let local = ["%F %T%.f", "%FT%T%.f", "%F %R", "%FT%R"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(local, form).ok())?;
    local.checked_sub_signed(offset)
}

/// `12:30Z`, `12:30+02:00`, `12:30 -0230`, `12:30+02`: how far the local time is ahead of UTC.
fn split_offset(text: &str) -> Option<(&str, TimeDelta)> {
    if let Some(local) = text.strip_suffix('Z') {
        return Some((local.trim_end(), TimeDelta::zero()));
    }
    // The date has hyphens too.
    let Some(place) = text.get(10..)?.rfind(['+', '-']).map(|place| place + 10) else {
        return Some((text, TimeDelta::zero()));
    };
    let (local, offset) = text.split_at(place);
    let digits: Vec<u8> = match offset.as_bytes()[1..] {
        [a, b] => vec![a, b, b'0', b'0'],
        [a, b, c, d] | [a, b, b':', c, d] => vec![a, b, c, d],
        _ => return None,
    };
    let (hours, minutes) = (read_digits(&digits[..2])?, read_digits(&digits[2..])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    let offset = if offset.starts_with('-') {
        -ahead
    } else {
        ahead
    };
    Some((local.trim_end(), offset))
}

fn read_digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{Timestamp, read, read_other, write};

    /// Splitmix64: the same instants at every run.
    fn instants() -> impl Iterator<Item = Timestamp> {
        // The first microsecond of the year 1, and the length of 9999 years.
        const START: i64 = -62_135_596_800_000_000;
        const LENGTH: u64 = 315_537_897_600_000_000;
        let mut state = 0_u64;
        std::iter::from_fn(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let offset = i64::try_from((mixed ^ (mixed >> 31)) % LENGTH).ok()?;
            DateTime::from_timestamp_micros(START + offset).map(Timestamp::from)
        })
    }

    #[test]
    fn it_writes_and_reads_what_chrono_does() {
        for instant in instants().take(20_000) {
            let naive = instant.naive_utc();
            let text = write(&naive).ok();
            assert_eq!(
                text,
                Some(naive.format("%Y-%m-%d %H:%M:%S.%6f").to_string())
            );
            assert_eq!(text.as_deref().and_then(read), Some(naive));
        }
    }

    #[test]
    fn an_offset_tells_another_instant() {
        let instant = |text| read_other(text).map(|naive| naive.to_string());
        let noon = Some("2026-01-31 12:30:15".to_owned());
        for text in [
            "2026-01-31 12:30:15",
            "2026-01-31T12:30:15",
            "2026-01-31T12:30:15Z",
            "2026-01-31t12:30:15z",
            "2026-01-31 12:30:15+00:00",
            "2026-01-31 14:30:15+02:00",
            "2026-01-31T10:00:15-0230",
            "2026-01-31 13:30:15 +01",
            "2026-02-01 00:30:15+12:00",
        ] {
            assert_eq!(instant(text), noon, "{text}");
        }
        assert_eq!(instant("2026-01-31T12:30"), instant("2026-01-31 12:30:00"));
        for odd in [
            "",
            "2026-01-31",
            "infinity",
            "0000-00-00 00:00:00",
            "2026-01-31 12:30:15+24:00",
            "2026-01-31 12:30:15+2:00",
            "2026-01-31 12:30:15 UTC",
            "2026-01-31 12:30:15Z+01:00",
        ] {
            assert_eq!(instant(odd), None, "{odd}");
        }
    }

    #[test]
    fn other_forms_take_the_long_way() {
        for text in [
            "",
            "2026-01-31 12:30:15",
            "2026-01-31T12:30:15.000123",
            "2026-01-31 12:30:15.00012Z",
            "2026-02-30 12:30:15.000123",
            "2026-01-31 12:30:60.000123",
            "+026-01-31 12:30:15.000123",
            "2026-01-31 12:30:15.0001é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn years_that_do_not_have_four_digits_are_refused() {
        for year in [-1, 0, 10_000] {
            let naive = chrono::NaiveDate::from_ymd_opt(year, 1, 1)
                .and_then(|day| day.and_hms_opt(0, 0, 0));
            assert!(naive.is_some_and(|naive| write(&naive).is_err()), "{year}");
        }
    }
}
