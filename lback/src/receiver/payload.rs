//! What can be stored for a durable receiver: arguments as JSON, and back.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::BoxError;

/// An argument that a durable receiver may name: it is stored as JSON with the transaction, and read again
/// by whoever delivers.
///
/// Every type with serde's `Serialize` and `Deserialize` has it, and `str`, slices of such types, the
/// built-in users and [`Change`](crate::Change). Fields that the JSON has and the type has not are ignored,
/// as serde does; so a field may be added with `#[serde(default)]`, and taken away. Secrets
/// ([`Secret`](crate::Secret), [`Password`](crate::Password)) are stored as `***` and come back masked.
///
/// Written by hand for a type that must not get `Deserialize`, such as one that no request may bring:
///
/// ```
/// use lback::outbox::Payload;
/// use serde::{Deserialize, Deserializer, Serializer};
///
/// struct Level(u8);
///
/// impl Payload for Level {
///     type Owned = Self;
///
///     fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
///         serializer.serialize_u8(self.0)
///     }
///
///     fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
///         u8::deserialize(deserializer).map(Self)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored for a durable receiver",
    label = "an argument of a durable receiver is kept as JSON",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to it, or name another argument, such as the row's key",
    note = "the `sender` is never stored: make one in the receiver, or take it as `#[state]`"
)]
pub trait Payload {
    /// What it is read back as.
    type Owned: Borrow<Self> + Send + 'static;

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the serializer; the transaction then fails before its COMMIT.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    ///
    /// # Errors
    ///
    /// If what was stored does not fit; the delivery is then a failed attempt.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Owned, D::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Payload for T {
    type Owned = T;

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

impl Payload for str {
    type Owned = String;

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Payload for [T] {
    type Owned = Vec<T>;

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

/// Lends serde what has [`Payload`] and perhaps no `Serialize`.
pub(crate) struct Encoded<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Payload + ?Sized> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// An argument that a durable receiver names, with all that asks its type for [`Payload`].
///
/// A receiver's rows are written in one place and read in another. Both begin with this, so a type that cannot be
/// stored is one and the same mistake in both, and the compiler says it once.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Argument<T: ?Sized, R> {
    name: &'static str,
    encode: fn(&T) -> serde_json::Result<String>,
    decode: fn(&mut Incoming, &str) -> Result<R, BoxError>,
}

/// One that the receiver borrows.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn argument<T: Payload + ?Sized>(name: &'static str) -> Argument<T, Box<dyn Borrow<T> + Send>> {
    Argument {
        name,
        encode: |value| serde_json::to_string(&Encoded(value)),
        decode: |incoming, name| Ok(Box::new(incoming.read::<T>(name)?)),
    }
}

/// One that the receiver takes.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn owned_argument<T: Payload<Owned = T>>(name: &'static str) -> Argument<T, T> {
    Argument {
        name,
        encode: |value| serde_json::to_string(&Encoded(value)),
        decode: |incoming, name| incoming.read::<T>(name),
    }
}

impl<T: ?Sized, R> Argument<T, R> {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn read(self, incoming: &mut Incoming) -> Result<R, BoxError> {
        (self.decode)(incoming, self.name)
    }
}

/// What was written of the arguments of one sending: receivers that name the same one share it.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Encodings {
    /// The value's place and its type, and what was written. While a signal's receivers are queued nothing
    /// else runs, so a place holds the same value throughout.
    written: Vec<((usize, &'static str), Arc<str>)>,
}

impl Encodings {
    /// Forgets what was written: its places may hold other values by now.
    pub(crate) fn clear(&mut self) {
        self.written.clear();
    }

    fn of<T: ?Sized, R>(
        &mut self,
        argument: &Argument<T, R>,
        value: &T,
    ) -> serde_json::Result<Arc<str>> {
        let place = std::ptr::from_ref(value).cast::<()>().addr();
        let key = (place, std::any::type_name::<T>());
        if let Some((_, json)) = self.written.iter().find(|(of, _)| *of == key) {
            return Ok(Arc::clone(json));
        }
        let json: Arc<str> = (argument.encode)(value)?.into();
        self.written.push((key, Arc::clone(&json)));
        Ok(json)
    }
}

/// The arguments that a durable receiver names, as they are stored: a JSON object by their names.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Stored {
    json: Result<String, String>,
    key: Option<String>,
}

/// How many bytes the key of an ordered receiver's row may have.
const MOST_OF_A_KEY: usize = 191;

/// What `ordered` may give.
// Not public API. Used by generated code.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of `ordered`",
    label = "a key is kept as its text",
    note = "give something with `Display`, such as the row's key: `ordered = |user: &User| user.id`"
)]
pub trait OrderKey {
    fn text(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: fmt::Display> OrderKey for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Stored {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            json: Ok("{".to_owned()),
            key: None,
        }
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn add<T: ?Sized, R>(
        &mut self,
        argument: Argument<T, R>,
        value: &T,
        encodings: &mut Encodings,
    ) {
        let Ok(json) = &mut self.json else {
            return;
        };
        let name = argument.name;
        match encodings.of(&argument, value) {
            Ok(encoded) => {
                if json.len() > 1 {
                    json.push(',');
                }
                // A name is an identifier, in which nothing has to be escaped.
                json.push('"');
                json.push_str(name);
                json.push_str("\":");
                json.push_str(&encoded);
            }
            Err(error) => {
                self.json = Err(format!("the argument `{name}` cannot be stored: {error}"));
            }
        }
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn key(&mut self, key: String) {
        if key.len() > MOST_OF_A_KEY {
            let why = format!("a key of `ordered` has at most {MOST_OF_A_KEY} bytes");
            self.json = Err(why);
        }
        self.key = Some(key);
    }

    /// The object, or why there is none, and the key.
    pub(crate) fn finish(self) -> (Result<String, String>, Option<String>) {
        let json = self.json.map(|mut json| {
            json.push('}');
            json
        });
        (json, self.key)
    }
}

/// What was stored for a receiver, to be read argument by argument.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Incoming(Value);

impl Incoming {
    pub(crate) fn new(payload: Value) -> Self {
        Self(payload)
    }

    fn read<T: Payload + ?Sized>(&mut self, name: &str) -> Result<T::Owned, BoxError> {
        let Some(arguments) = self.0.as_object_mut() else {
            return Err(Undecodable("what is stored is no JSON object".into()).into());
        };
        // What was not stored is read as nothing, which an `Option` accepts.
        let value = arguments.remove(name).unwrap_or(Value::Null);
        T::decode(value).map_err(|error| {
            let kind = what_is_wrong(&error);
            Undecodable(format!("the argument `{name}` cannot be read: {kind}")).into()
        })
    }
}

/// Serde quotes the value that it did not expect, and that may be somebody's.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("invalid type") || text.starts_with("invalid value") {
        let expected = text
            .rsplit_once(", expected ")
            .map(|(_, expected)| expected);
        return format!("not {}", expected.unwrap_or("what it was"));
    }
    text
}

/// What is stored does not fit the receiver.
#[derive(Debug)]
pub(crate) struct Undecodable(pub(crate) String);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_comes_back_as_it_was() -> Result<(), BoxError> {
        for number in 0..1_000 {
            let value = 1.0 + f64::from(number) / 900.0;
            let mut stored = Stored::new();
            stored.add(argument::<f64>("value"), &value, &mut Encodings::default());
            let (json, _key) = stored.finish();
            let mut incoming = Incoming::new(serde_json::from_str(&json?)?);
            let read = owned_argument::<f64>("value").read(&mut incoming)?;
            assert_eq!(read.to_bits(), value.to_bits());
        }
        Ok(())
    }
}
