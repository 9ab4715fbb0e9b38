//! Users in the outbox: stored as they serialize, so that no secret is there, and read back with masks.
//!
//! Not serde's `Deserialize`, so that no application makes a user of what a request brings.

use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Password, User, UserChanges};
use crate::receiver::Payload;

/// The columns that were stored, by name.
struct Columns(Map<String, Value>);

impl Columns {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }

    fn get<T: DeserializeOwned, E: Error>(&mut self, name: &str) -> Result<T, E> {
        let value = self.0.remove(name).unwrap_or(Value::Null);
        T::deserialize(value).map_err(|_| E::custom(format!("`{name}` is missing or malformed")))
    }

    /// Of what changes: absent is left alone, `null` is emptied.
    fn change<T: DeserializeOwned, E: Error>(&mut self, name: &str) -> Result<Option<T>, E> {
        if self.0.contains_key(name) {
            return self.get(name).map(Some);
        }
        Ok(None)
    }
}

impl Payload for User {
    type Owned = Self;

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut row = Columns::read(deserializer)?;
        Ok(Self {
            id: row.get("id")?,
            username: row.get("username")?,
            email: row.get("email")?,
            password: Password::masked(),
            is_active: row.get("is_active")?,
            is_email_verified: row.get("is_email_verified")?,
            email_verification_token: row.get("email_verification_token")?,
            email_verification_token_expiry: row.get("email_verification_token_expiry")?,
            auth_token: row.get("auth_token")?,
            token_expiry: row.get("token_expiry")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl Payload for UserChanges {
    type Owned = Self;

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut row = Columns::read(deserializer)?;
        let password: Option<Value> = row.change("password")?;
        Ok(Self {
            username: row.change("username")?,
            email: row.change("email")?,
            password: password.map(|_| Password::masked()),
            is_active: row.change("is_active")?,
            is_email_verified: row.change("is_email_verified")?,
            email_verification_token: row.change("email_verification_token")?,
            email_verification_token_expiry: row.change("email_verification_token_expiry")?,
            auth_token: row.change("auth_token")?,
            token_expiry: row.change("token_expiry")?,
            created_at: row.change("created_at")?,
            updated_at: row.change("updated_at")?,
        })
    }
}
