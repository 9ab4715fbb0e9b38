//! Such as SQLAlchemy makes: `migrate` leaves it as it is, and everything works on it.

use diesel::connection::SimpleConnection;

use super::inactive;
use crate::database::*;
use lback::Page;
use lback_tests::new_user;

const USERS: UserRepository = UserRepository::new();

fn table() -> String {
    let (key, text, time, behind) = match NAME {
        "PostgreSQL" => ("SERIAL", "VARCHAR", "TIMESTAMP WITHOUT TIME ZONE", ""),
        _ => (
            "INTEGER AUTO_INCREMENT",
            "VARCHAR(255)",
            "DATETIME(6)",
            " CHARACTER SET utf8mb4",
        ),
    };
    format!(
        "CREATE TABLE users (
            id {key} NOT NULL,
            username {text} NOT NULL,
            email {text} NOT NULL,
            password {text} NOT NULL,
            is_active BOOLEAN NOT NULL,
            is_email_verified BOOLEAN NOT NULL,
            email_verification_token {text},
            email_verification_token_expiry {time},
            auth_token {text},
            token_expiry {time},
            created_at {time} NOT NULL,
            updated_at {time} NOT NULL,
            PRIMARY KEY (id)
        ){behind}"
    )
}

#[test]
fn with_every_operation() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let mut session = database.session();
    session.conn().batch_execute(&table())?;
    session
        .conn()
        .batch_execute("CREATE UNIQUE INDEX ix_users_username ON users (username)")?;
    migrate(&mut session)?;

    let ada = USERS.create(&mut session, new_user("ada"))?;
    let more = USERS.create_many(&mut session, ["grace", "eve"].map(new_user))?;
    assert_eq!(i64::from(more[1].id), i64::from(ada.id) + 2);
    assert_eq!(USERS.find(&mut session, &ada)?, Some(ada.clone()));
    assert_eq!(
        USERS.find_by_username(&mut session, "eve")?.as_ref(),
        Some(&more[1])
    );
    let found = USERS.find_many(&mut session, [more[0].id, UserId::from(1 << 40)])?;
    assert_eq!(found, [Some(more[0].clone()), None]);
    assert_eq!(USERS.list(&mut session, Page::new(0, 10))?.len(), 3);
    assert!(!USERS.update(&mut session, &ada, inactive())?.is_active);
    let updated = USERS.update_many(&mut session, &more, inactive())?;
    assert!(updated.iter().all(|user| !user.is_active));
    let loaded: Vec<UserId> = users::table
        .select(users::id)
        .order(users::id)
        .load(session.conn())?;
    assert_eq!(loaded, [ada.id, more[0].id, more[1].id]);
    USERS.delete(&mut session, &ada)?;
    USERS.delete_many(&mut session, &more)?;
    assert_eq!(USERS.count(&mut session)?, 0);
    Ok(())
}
