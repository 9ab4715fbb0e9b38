//! The table `users`, for queries and joins of your own.
//!
//! Column for column the table of lback-framework 1.0.3. Timestamps are in UTC.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use diesel::prelude::*;
//! use lback::schema::users;
//!
//! diesel::table! {
//!     posts (id) {
//!         id -> BigInt,
//!         user_id -> BigInt,
//!         title -> Text,
//!     }
//! }
//! diesel::joinable!(posts -> users (user_id));
//! lback::allow_users_to_appear_in_same_query!(posts);
//!
//! let by_ada = posts::table
//!     .inner_join(users::table)
//!     .filter(users::username.eq("ada"))
//!     .select(posts::title);
//! # let sql = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&by_ada).to_string();
//! # assert!(sql.contains("INNER JOIN"));
//! # Ok(())
//! # }
//! ```

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::user::PasswordHash;
    use crate::value::Instant;

    /// The users.
    users (id) {
        /// The key, given by the database.
        id -> BigInt,
        /// Unique, 3 to 150 characters.
        username -> Text,
        /// Unique, up to 254 characters.
        email -> Text,
        /// The hash, which can be read as [`Password`](crate::user::Password) only.
        password -> PasswordHash,
        /// Whether the user may log in.
        is_active -> Bool,
        /// Whether the address has been proved to be the user's.
        is_email_verified -> Bool,
        /// Sent to the address, to prove it.
        email_verification_token -> Nullable<Text>,
        /// Until when that token counts; without it, it never does.
        email_verification_token_expiry -> Nullable<Instant>,
        /// Identifies the user's requests.
        auth_token -> Nullable<Text>,
        /// Until when that token counts; without it, for ever.
        token_expiry -> Nullable<Instant>,
        /// When the row was inserted.
        created_at -> Instant,
        /// When the row was last changed.
        updated_at -> Instant,
    }
}
