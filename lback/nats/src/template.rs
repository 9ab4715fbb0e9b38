//! Texts with places for what a delivery and its data say.

use lback::outbox::Delivery;
use serde_json::Value;

/// Fills the places `{signal}`, `{receiver}` and those named like a field of the data.
pub(crate) fn fill(template: &str, delivery: &Delivery, data: &Value) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(format!("`{template}` has a `{{` without its `}}`"));
        };
        filled.push_str(before);
        filled.push_str(&token(name, delivery, data)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What stands in one place. It may come from anywhere, so it must stay one token of a subject: what has a dot in
/// it would be published elsewhere than its consumers look.
fn token(name: &str, delivery: &Delivery, data: &Value) -> Result<String, String> {
    let token = match (name, data.get(name)) {
        ("signal", _) => delivery.signal.to_owned(),
        // An id of a receiver has dots, and is the program's own.
        ("receiver", _) => return Ok(delivery.receiver.to_owned()),
        (_, Some(Value::String(text))) => text.clone(),
        (_, Some(Value::Number(number))) => number.to_string(),
        (_, Some(Value::Bool(is_so))) => is_so.to_string(),
        (_, Some(_)) => return Err(format!("`{name}` of the data is no text and no number")),
        (_, None) => return Err(format!("the data has no `{name}`")),
    };
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || ".*>".contains(c);
    if token.is_empty() || token.contains(is_foreign) {
        return Err(format!(
            "`{name}` of the data cannot be a token of a subject"
        ));
    }
    Ok(token)
}
