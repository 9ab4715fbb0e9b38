//! How version 2 of the program stores an account. It reads what version 1 has stored too.

use lback::BoxError;
use serde_json::{Value, json};

pub(crate) const VERSION: u32 = 2;

/// The options of a durable receiver, with those that are this version's.
macro_rules! versioned {
    (#[receiver($($options:tt)*)] $($function:tt)*) => {
        #[receiver($($options)*, version = 2, upcast = form::from_older)]
        $($function)*
    };
}

pub(crate) fn written(id: i64, name: &str, count: i32) -> Value {
    json!({"key": id, "holder": {"name": name}, "changes": count})
}

pub(crate) fn read(mut fields: Value) -> serde_json::Result<(i64, String, i32)> {
    let (key, holder, changes) = (
        fields["key"].take(),
        fields["holder"]["name"].take(),
        fields["changes"].take(),
    );
    Ok((
        serde_json::from_value(key)?,
        serde_json::from_value(holder)?,
        serde_json::from_value(changes)?,
    ))
}

pub(crate) fn from_older(version: u32, mut arguments: Value) -> Result<Value, BoxError> {
    assert_eq!(version, 1);
    let mut account = arguments["account"].take();
    arguments["account"] = json!({
        "key": account["id"].take(),
        "holder": {"name": account["name"].take()},
        "changes": account["count"].take(),
    });
    Ok(arguments)
}
