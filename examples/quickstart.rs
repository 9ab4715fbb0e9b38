//! The main job: a user is created, updated and deleted, with receivers called in order around
//! each write, on a real database file.
//!
//! `cargo run -p lback-examples --example quickstart`

use lback::sqlite::{prelude::*, users::*};

/// Data may be changed or refused before it is stored.
#[receiver(user_pre_create)]
fn company_addresses_only(data: &mut NewUser) -> Result<(), Veto> {
    println!("  user_pre_create   company_addresses_only  {}", data.email);
    data.email = data.email.to_lowercase();
    if !data.email.ends_with("@example.com") {
        return Err(Veto::new("only company addresses may register").field("email"));
    }
    Ok(())
}

/// In the same transaction as the user: both are stored, or neither is.
#[receiver(user_post_create)]
fn audit(user: &User, conn: &mut SqliteConnection) -> QueryResult<()> {
    println!("  user_post_create  audit                   id {}", user.id);
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

/// Sees the row as it is, and as it was.
#[receiver(user_post_update)]
fn what_changed(user: &User, previous: &User) {
    println!(
        "  user_post_update  what_changed            is_active {} -> {}",
        previous.is_active, user.is_active
    );
}

/// One function, two signals.
#[receiver(user_pre_delete, user_post_delete)]
fn farewell(signal: &SignalInfo, user: &User) {
    println!(
        "  {:<16}  farewell                {}",
        signal.name(),
        user.username
    );
}

fn main() -> lback::Result<()> {
    let folder = Folder::new();
    let mut session = lback::sqlite::connect(&folder.file("app.db"))?.with_state(Mailer);
    lback::sqlite::migrate(&mut session)?;
    diesel::sql_query("CREATE TABLE audit_log (id INTEGER PRIMARY KEY, what TEXT NOT NULL)")
        .execute(session.conn())?;

    println!("Who listens to what:\n\n{}", lback::receivers()?);

    let users = UserRepository::new();

    println!("create ada");
    let ada = NewUser::new("ada", "Ada@Example.com", "correct horse battery")?;
    let ada = users.create(&mut session, ada)?;

    println!("update ada");
    let inactive = UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    let ada = users.update(&mut session, &ada, inactive)?;

    println!("delete ada");
    users.delete(&mut session, &ada)?;

    println!("create eve, who is of another company");
    let eve = NewUser::new("eve", "eve@elsewhere.org", "correct horse battery")?;
    match users.create(&mut session, eve) {
        Err(error) => println!("  {error}"),
        Ok(_) => unreachable!("it is vetoed"),
    }

    println!("create grace, in a transaction that fails later: no mail");
    let grace = NewUser::new("grace", "grace@example.com", "correct horse battery")?;
    let failed: lback::Result<()> = session.transaction(|session| {
        users.create(session, grace)?;
        Err(lback::Invalid::new("order", "the shelf is empty").into())
    });
    println!("  {}", failed.expect_err("it fails"));

    let stored: i64 = users::table.count().get_result(session.conn())?;
    let audited: Vec<String> = audit_log::table
        .select(audit_log::what)
        .load(session.conn())?;
    println!("stored: {stored} users, audit log {audited:?}");
    assert_eq!((stored, audited), (0, vec!["ada".to_owned()]));
    Ok(())
}

// What belongs to the application.

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        what -> Text,
    }
}

struct Mailer;
type MailError = std::io::Error;

impl Mailer {
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // a real one would fail
    fn send(&self, address: &str, text: &str) -> Result<(), MailError> {
        println!("  after the commit  welcome                 {text} to {address}");
        Ok(())
    }
}

/// A folder of this run's own, gone with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("lback-quickstart-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The system clears the folder for temporary files as well.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
