//! SQLite holds times as texts of any form: a token counts by the instant, and not by how the texts sort.

use chrono::{FixedOffset, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use lback::sqlite::{prelude::*, users::*};
use lback_tests::new_user;

/// Whether a token with this expiry counts, for log-in and for verification.
fn counts(expiry: &str) -> (bool, bool) {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    lback::sqlite::migrate(&mut session).unwrap();
    let users = UserRepository::new();
    let mut new = new_user("ada");
    new.auth_token = Some(Secret::from("t"));
    new.email_verification_token = Some(Secret::from("v"));
    users.create(&mut session, new).unwrap();
    let update = format!(
        "UPDATE users SET token_expiry = '{expiry}', email_verification_token_expiry = '{expiry}'"
    );
    session.conn().batch_execute(&update).unwrap();
    (
        users
            .find_by_auth_token(&mut session, "t")
            .unwrap()
            .is_some(),
        users
            .find_by_verification_token(&mut session, "v")
            .unwrap()
            .is_some(),
    )
}

#[test]
fn in_every_form_that_is_read() {
    for ahead in [-12, -2, 0, 3, 14] {
        let zone = FixedOffset::east_opt(ahead * 3_600).unwrap();
        for (moved, is_to_come) in [(-2, false), (60, true)] {
            let expiry = Utc::now() + TimeDelta::seconds(moved);
            let there = expiry.with_timezone(&zone);
            for form in ["%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%dT%H:%M:%S%.6f%z"] {
                let text = there.format(form).to_string();
                assert_eq!(counts(&text), (is_to_come, is_to_come), "{text}");
            }
            for form in [
                "%Y-%m-%d %H:%M:%S%.6f",
                "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%dT%H:%M:%SZ",
                "%Y-%m-%d %H:%M:%S%.3fZ",
            ] {
                let text = expiry.format(form).to_string();
                assert_eq!(counts(&text), (is_to_come, is_to_come), "{text}");
            }
        }
    }
}
