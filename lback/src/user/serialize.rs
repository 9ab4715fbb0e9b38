//! `Serialize` for the rows, by hand: the crate has serde without its derive.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{NewUser, User, UserChanges};

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("User", 12)?;
        row.serialize_field("id", &self.id)?;
        row.serialize_field("username", &self.username)?;
        row.serialize_field("email", &self.email)?;
        row.serialize_field("password", &self.password)?;
        row.serialize_field("is_active", &self.is_active)?;
        row.serialize_field("is_email_verified", &self.is_email_verified)?;
        row.serialize_field("email_verification_token", &self.email_verification_token)?;
        row.serialize_field(
            "email_verification_token_expiry",
            &self.email_verification_token_expiry,
        )?;
        row.serialize_field("auth_token", &self.auth_token)?;
        row.serialize_field("token_expiry", &self.token_expiry)?;
        row.serialize_field("created_at", &self.created_at)?;
        row.serialize_field("updated_at", &self.updated_at)?;
        row.end()
    }
}

impl Serialize for NewUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("NewUser", 11)?;
        row.serialize_field("username", &self.username)?;
        row.serialize_field("email", &self.email)?;
        row.serialize_field("password", &self.password)?;
        row.serialize_field("is_active", &self.is_active)?;
        row.serialize_field("is_email_verified", &self.is_email_verified)?;
        row.serialize_field("email_verification_token", &self.email_verification_token)?;
        row.serialize_field(
            "email_verification_token_expiry",
            &self.email_verification_token_expiry,
        )?;
        row.serialize_field("auth_token", &self.auth_token)?;
        row.serialize_field("token_expiry", &self.token_expiry)?;
        row.serialize_field("created_at", &self.created_at)?;
        row.serialize_field("updated_at", &self.updated_at)?;
        row.end()
    }
}

/// Only what changes: a column that is emptied is `null`, one that is left alone is absent.
impl Serialize for UserChanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("UserChanges", 11)?;
        change(&mut row, "username", self.username.as_ref())?;
        change(&mut row, "email", self.email.as_ref())?;
        change(&mut row, "password", self.password.as_ref())?;
        change(&mut row, "is_active", self.is_active.as_ref())?;
        change(
            &mut row,
            "is_email_verified",
            self.is_email_verified.as_ref(),
        )?;
        change(
            &mut row,
            "email_verification_token",
            self.email_verification_token.as_ref(),
        )?;
        change(
            &mut row,
            "email_verification_token_expiry",
            self.email_verification_token_expiry.as_ref(),
        )?;
        change(&mut row, "auth_token", self.auth_token.as_ref())?;
        change(&mut row, "token_expiry", self.token_expiry.as_ref())?;
        change(&mut row, "created_at", self.created_at.as_ref())?;
        change(&mut row, "updated_at", self.updated_at.as_ref())?;
        row.end()
    }
}

fn change<R: SerializeStruct>(
    row: &mut R,
    name: &'static str,
    value: Option<&impl Serialize>,
) -> Result<(), R::Error> {
    match value {
        Some(value) => row.serialize_field(name, value),
        None => row.skip_field(name),
    }
}
