//! The main job: a user is created, updated and deleted, with receivers called in order around
//! each write, on a real database file.
//!
//! `cargo run -p lback-examples --example quickstart`

use std::sync::Mutex;

use lback::sqlite::prelude::*;

diesel::table! {
    audit_log (id) {
        id -> Integer,
        what -> Text,
    }
}

/// Data may be changed or refused before it is stored.
#[receiver(user_pre_create)]
fn company_addresses_only(data: &mut NewUser) -> Result<(), Veto> {
    println!("  user_pre_create   company_addresses_only: {}", data.email);
    data.email = data.email.to_lowercase();
    if !data.email.ends_with("@example.com") {
        return Err(Veto::new("only company addresses may register").field("email"));
    }
    Ok(())
}

/// In the same transaction as the user: both are stored, or neither is.
#[receiver(user_post_create)]
fn audit(user: &User, conn: &mut SqliteConnection) -> QueryResult<()> {
    println!("  user_post_create  audit: id {}, {}", user.id, user.email);
    diesel::insert_into(audit_log::table)
        .values(audit_log::what.eq(&user.username))
        .execute(conn)?;
    Ok(())
}

/// Only once the data is really there.
#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] mailer: &Mailer) -> Result<(), MailError> {
    mailer.send(&user.email, "Welcome!")
}

#[receiver(user_post_update)]
fn what_changed(user: &User, previous: &User) {
    println!(
        "  user_post_update  what_changed: is_active {} -> {}",
        previous.is_active, user.is_active
    );
}

#[receiver(user_pre_delete, user_post_delete)]
fn farewell(signal: &SignalInfo, user: &User) {
    println!("  {:<17} farewell: {}", signal.name(), user.username);
}

#[derive(Default)]
struct Mailer {
    sent: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct MailError;

impl std::fmt::Display for MailError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the mail server does not answer")
    }
}

impl std::error::Error for MailError {}

impl Mailer {
    fn send(&self, address: &str, text: &str) -> Result<(), MailError> {
        println!("  after the commit  welcome: {text} to {address}");
        self.sent
            .lock()
            .map_err(|_| MailError)?
            .push(address.to_owned());
        Ok(())
    }
}

fn main() -> lback::Result<()> {
    let folder = std::env::temp_dir().join(format!("lback-quickstart-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let database = folder.join("app.db");
    let mut session =
        lback::sqlite::connect(&database.to_string_lossy())?.with_state(Mailer::default());
    lback::sqlite::migrate(&mut session)?;
    diesel::sql_query("CREATE TABLE audit_log (id INTEGER PRIMARY KEY, what TEXT NOT NULL)")
        .execute(session.conn())?;

    println!("{}", lback::receivers()?);
    let users = UserRepository::new();
    println!("create");
    let ada = users.create(
        &mut session,
        NewUser::new("ada", "Ada@Example.com", "correct horse battery")?,
    )?;
    println!("update");
    let ada = users.update(
        &mut session,
        &ada,
        UserChanges {
            is_active: Some(false),
            ..Default::default()
        },
    )?;
    println!("delete");
    users.delete(&mut session, &ada)?;
    println!("create, with an address of another company");
    match users.create(
        &mut session,
        NewUser::new("eve", "eve@elsewhere.org", "correct horse battery")?,
    ) {
        Err(error) => println!("  {error}"),
        Ok(_) => unreachable!("it is vetoed"),
    }
    std::fs::remove_dir_all(&folder).expect("the folder was made above");
    Ok(())
}
