//! How version 1 of the program stores an account. It cannot read what version 2 has stored.

use serde_json::{Value, json};

pub(crate) const VERSION: u32 = 1;

/// The options of a durable receiver, with those that are this version's.
macro_rules! versioned {
    (#[receiver($($options:tt)*)] $($function:tt)*) => {
        #[receiver($($options)*, version = 1)]
        $($function)*
    };
}

pub(crate) fn written(id: i64, name: &str, count: i32) -> Value {
    json!({"id": id, "name": name, "count": count})
}

pub(crate) fn read(mut fields: Value) -> serde_json::Result<(i64, String, i32)> {
    let (id, name, count) = (
        fields["id"].take(),
        fields["name"].take(),
        fields["count"].take(),
    );
    Ok((
        serde_json::from_value(id)?,
        serde_json::from_value(name)?,
        serde_json::from_value(count)?,
    ))
}
