//! Timestamps to the microsecond, and keys of 64 bits.

use chrono::{DateTime, TimeDelta, Utc};

use crate::database::*;
use lback::Timestamp;
use lback_tests::new_user;

own_users!();

#[test]
fn every_microsecond() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let ada = Users.create(&mut session, new_user("ada"))?;
    let read = Users.find(&mut session, &ada)?.expect("it is stored");
    assert_eq!(read, ada);

    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("RFC 3339");
    let instants = [
        at("1969-07-20T20:17:40.25Z"),
        at("1970-01-01T00:00:00Z"),
        at("2026-01-31T12:30:15.000001Z"),
        at("2026-01-31T12:30:15.999999Z"),
        at("2026-01-31T12:30:15.123456Z"),
        at("2038-01-19T03:14:08.5Z"),
        at("9999-12-31T23:59:59.999999Z"),
        at("2026-01-31T12:30:15Z") + TimeDelta::nanoseconds(123_456_789),
    ];
    for instant in instants {
        let instant = Timestamp::from(instant);
        let changes = UserChanges {
            token_expiry: Some(Some(instant)),
            ..UserChanges::default()
        };
        let updated = Users.update(&mut session, &ada, changes)?;
        assert_eq!(updated.token_expiry, Some(instant));
        let read = Users.find(&mut session, &ada)?.expect("it is stored");
        assert_eq!(read.token_expiry, Some(instant));
        let found: i64 = users::table
            .filter(users::token_expiry.eq(instant))
            .count()
            .get_result(session.conn())?;
        assert_eq!(found, 1, "{instant}");
    }
    Ok(())
}

#[test]
fn keys_beyond_32_bits() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let ada = Users.create(&mut session, new_user("ada"))?;
    let far = UserId::from(1 << 40);
    diesel::update(users::table.find(ada.id))
        .set(users::id.eq(far))
        .execute(session.conn())?;

    let ada = Users.find(&mut session, far)?.expect("it is stored");
    assert_eq!(ada.id, far);
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    assert_eq!(Users.update(&mut session, &ada, changes)?.id, far);
    Users.delete(&mut session, &ada)
}
