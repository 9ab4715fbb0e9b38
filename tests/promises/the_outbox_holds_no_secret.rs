//! Passwords and secrets are stored for a durable receiver as `***`, and come back masked: they equal nothing,
//! cannot be written, and say what to do when somebody wants to see one.

use crate::database::*;
use lback::outbox::Undeliverable;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "secrets.look")]
fn look(user: &User, conn: &mut Native, #[state] trace: &Trace) -> Result<(), lback::BoxError> {
    let token = user.auth_token.as_ref().ok_or("it was set")?;
    assert!(token.is_masked() && user.password.is_masked());
    let itself = user;
    assert_ne!(user.auth_token, itself.auth_token);
    assert_ne!(user.password, itself.password);
    assert!(user.password.verify("secret").is_err());

    let written = diesel::update(users::table.find(user.id))
        .set(users::auth_token.eq(token))
        .execute(conn);
    trace.note(written.expect_err("it is masked").to_string());
    let written = diesel::update(users::table.find(user.id))
        .set(users::password.eq(&user.password))
        .execute(conn);
    trace.note(written.expect_err("it is masked").to_string());

    let real: User = users::table
        .find(user.id)
        .select(User::as_select())
        .get_result(conn)?;
    let real = real.auth_token.ok_or("it was set")?;
    trace.note(real.expose_secret());
    token.expose_secret();
    Err(Undeliverable("it was exposed".into()).into())
}

#[test]
fn secrets_are_masked_on_both_sides() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let mut new = new_user("ada");
    new.auth_token = Some(Secret::from("canary"));
    Users.create(&mut session, new)?;
    session.deliver_all()?;

    let letter = session.outbox().dead_letters(1)?.remove(0);
    let told = trace.take();
    assert_eq!(told[0], "a secret that was masked cannot be written");
    assert_eq!(told[1], "a password that was masked cannot be written");
    assert_eq!(told[2], "canary");
    assert_eq!(
        letter.error,
        "it panicked: a secret was masked in the outbox: read the row again, by its key, through `conn` \
         or a pool in the state"
    );
    assert!(
        letter.payload.contains(r#""auth_token":"***""#),
        "{}",
        letter.payload
    );
    for secret in ["canary", "$argon2"] {
        assert!(!format!("{letter:?}").contains(secret), "{letter:?}");
    }
    Ok(())
}
