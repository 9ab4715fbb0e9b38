//! Auditing: who changed what, from which value to which, and who tried and was refused.
//!
//! What happened is written in the same transaction, so there is no change without its entry and no
//! entry without its change. What was refused is written after the rollback, which would have taken
//! it along.
//!
//! `cargo run -p lback-examples --example auditing`

use lback::sqlite::{prelude::*, users::*};

/// On whose behalf a request acts.
struct Actor {
    name: &'static str,
    is_admin: bool,
}

#[receiver(user_post_create)]
fn created(user: &User, #[state] actor: &Actor, conn: &mut SqliteConnection) -> QueryResult<()> {
    Entry::of(actor, "created", &user.username).write(conn)
}

/// One entry for each field that really changed.
#[receiver(user_post_update)]
fn changed(
    user: &User,
    previous: &User,
    #[state] actor: &Actor,
    conn: &mut SqliteConnection,
) -> QueryResult<()> {
    // The password prints as `***`, so an entry tells that it changed, and no more.
    let fields = [
        ("username", previous.username.clone(), user.username.clone()),
        ("email", previous.email.clone(), user.email.clone()),
        (
            "is_active",
            previous.is_active.to_string(),
            user.is_active.to_string(),
        ),
    ];
    for (field, old, new) in fields {
        if old != new {
            Entry::of(actor, "changed", &user.username)
                .values(field, &old, &new)
                .write(conn)?;
        }
    }
    if user.password != previous.password {
        Entry::of(actor, "changed", &user.username)
            .values(
                "password",
                &previous.password.to_string(),
                &user.password.to_string(),
            )
            .write(conn)?;
    }
    Ok(())
}

#[receiver(user_post_delete)]
fn deleted(user: &User, #[state] actor: &Actor, conn: &mut SqliteConnection) -> QueryResult<()> {
    Entry::of(actor, "deleted", &user.username).write(conn)
}

/// The rule that is broken below.
#[receiver(user_pre_update, user_pre_delete)]
fn admins_only(#[state] actor: &Actor) -> Result<(), Veto> {
    if actor.is_admin {
        return Ok(());
    }
    Err(Veto::new("only an administrator may do this"))
}

#[receiver(user_pre_create, after_rollback)]
fn not_created(
    data: &NewUser,
    #[state] actor: &Actor,
    conn: &mut SqliteConnection,
) -> QueryResult<()> {
    Entry::of(actor, "did not create", &data.username).write(conn)
}

#[receiver(user_pre_update, after_rollback)]
fn not_changed(
    user: &User,
    #[state] actor: &Actor,
    conn: &mut SqliteConnection,
) -> QueryResult<()> {
    Entry::of(actor, "did not change", &user.username).write(conn)
}

#[receiver(user_pre_delete, after_rollback)]
fn not_deleted(
    user: &User,
    #[state] actor: &Actor,
    conn: &mut SqliteConnection,
) -> QueryResult<()> {
    Entry::of(actor, "did not delete", &user.username).write(conn)
}

fn main() -> lback::Result<()> {
    let mut session = lback::sqlite::connect(":memory:")?;
    lback::sqlite::migrate(&mut session)?;
    diesel::sql_query(
        "CREATE TABLE audit_log (id INTEGER PRIMARY KEY, who TEXT NOT NULL, what TEXT NOT NULL, \
         whom TEXT NOT NULL, field TEXT, old TEXT, new TEXT)",
    )
    .execute(session.conn())?;
    let users = UserRepository::new();
    let (grace, eve) = (
        || Actor {
            name: "grace",
            is_admin: true,
        },
        || Actor {
            name: "eve",
            is_admin: false,
        },
    );

    // As a web framework's middleware would do around each request.
    let ada = session.with(grace(), |session| {
        users.create(session, new_user("ada", "ada@example.com"))
    })?;
    session.with(grace(), |session| {
        let changes = UserChanges {
            email: Some("countess@example.com".into()),
            password: Some(Password::new("another long password")?),
            is_active: Some(true), // as it was: no entry
            ..Default::default()
        };
        users.update(session, &ada, changes)
    })?;

    // Refused: by a rule, by the database, and by a transaction that fails later.
    let refused = session.with(eve(), |session| users.delete(session, &ada));
    assert!(matches!(refused, Err(lback::Error::Vetoed { .. })));
    let twice = session.with(eve(), |session| {
        users.create(session, new_user("ada", "eve@example.com"))
    });
    assert!(matches!(twice, Err(lback::Error::Duplicate { .. })));
    let failed: lback::Result<()> = session.with(grace(), |session| {
        session.transaction(|session| {
            users.update(
                session,
                &ada,
                UserChanges {
                    is_active: Some(false),
                    ..Default::default()
                },
            )?;
            Err(lback::Invalid::new("reason", "none was given").into())
        })
    });
    assert!(failed.is_err());

    session.with(grace(), |session| users.delete(session, &ada))?;

    let log: Vec<String> = entries(&mut session)?;
    println!("{}", log.join("\n"));
    assert_eq!(
        log,
        [
            "grace created ada",
            "grace changed ada: email ada@example.com -> countess@example.com",
            "grace changed ada: password *** -> ***",
            "eve did not delete ada",
            "eve did not create ada",
            "grace did not change ada",
            "grace deleted ada",
        ]
    );
    assert_eq!(session.take_failures().count, 0);
    Ok(())
}

fn new_user(name: &str, email: &str) -> NewUser {
    NewUser::new(name, email, "correct horse battery").expect("the password can be hashed")
}

fn entries(session: &mut Session) -> lback::Result<Vec<String>> {
    let entries: Vec<Entry> = audit_log::table
        .order(audit_log::id)
        .select(Entry::as_select())
        .load(session.conn())?;
    Ok(entries.iter().map(Entry::to_string).collect())
}

// The table and its rows.

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        who -> Text,
        what -> Text,
        whom -> Text,
        field -> Nullable<Text>,
        old -> Nullable<Text>,
        new -> Nullable<Text>,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log)]
struct Entry {
    who: String,
    what: String,
    whom: String,
    field: Option<String>,
    old: Option<String>,
    new: Option<String>,
}

impl Entry {
    fn of(actor: &Actor, what: &str, whom: &str) -> Self {
        Self {
            who: actor.name.to_owned(),
            what: what.to_owned(),
            whom: whom.to_owned(),
            field: None,
            old: None,
            new: None,
        }
    }

    fn values(mut self, field: &str, old: &str, new: &str) -> Self {
        self.field = Some(field.to_owned());
        self.old = Some(old.to_owned());
        self.new = Some(new.to_owned());
        self
    }

    fn write(&self, conn: &mut SqliteConnection) -> QueryResult<()> {
        diesel::insert_into(audit_log::table)
            .values(self)
            .execute(conn)?;
        Ok(())
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.who, self.what, self.whom)?;
        if let (Some(field), Some(old), Some(new)) = (&self.field, &self.old, &self.new) {
            write!(f, ": {field} {old} -> {new}")?;
        }
        Ok(())
    }
}
