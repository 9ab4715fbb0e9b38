//! Integrations: changes are pushed to another system over HTTP, and it is sometimes down.
//!
//! A row in `pushes` is written in the same transaction as the change. After the commit the rows are
//! pushed; what fails stays and is pushed again later. So a push may happen twice, and carries a key
//! by which the other system can tell; but none is lost, even if this process dies in between.
//!
//! `cargo run -p lback-examples --example integrations`

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lback::sqlite::{prelude::*, users::*};
use lback_examples::server::http;

/// In the transaction: what is to be pushed.
#[receiver(user_post_create, user_post_update)]
fn push_the_row(
    user: &User,
    conn: &mut SqliteConnection,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    // As JSON the password and the tokens are `***`.
    let body = serde_json::to_string(user)?;
    Push::add(conn, "PUT", &format!("/users/{}", user.id), &body)?;
    Ok(())
}

#[receiver(user_post_delete)]
fn push_the_removal(user_id: UserId, conn: &mut SqliteConnection) -> QueryResult<()> {
    Push::add(conn, "DELETE", &format!("/users/{user_id}"), "")
}

/// After the commit: pushes what waits, in order.
#[receiver(user_post_create, user_post_update, user_post_delete, after_commit)]
fn push_now(session: &mut Session, #[state] crm: &Crm) -> Result<(), Box<dyn Error + Send + Sync>> {
    crm.push_all(session)
}

/// The other system.
struct Crm {
    url: String,
    agent: ureq::Agent,
}

impl Crm {
    fn new(url: String) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(5)))
            .build();
        Self {
            url,
            agent: config.into(),
        }
    }

    /// Pushes until one fails: later changes must not overtake earlier ones. Called by the receiver,
    /// and by a timer for what is left.
    fn push_all(&self, session: &mut Session) -> Result<(), Box<dyn Error + Send + Sync>> {
        for push in Push::waiting(session)? {
            let pushed = self.push(&push);
            push.done(session, pushed.as_ref().map(drop))?;
            pushed?;
        }
        Ok(())
    }

    fn push(&self, push: &Push) -> Result<(), ureq::Error> {
        let url = format!("{}{}", self.url, push.path);
        let key = format!("push-{}", push.id);
        if push.method == "DELETE" {
            let request = self.agent.delete(&url).header("Idempotency-Key", &key);
            request.call()?;
        } else {
            let request = self.agent.put(&url).header("Idempotency-Key", &key);
            request.content_type("application/json").send(&push.body)?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = http::Server::start()?;
    let crm = Arc::new(Crm::new(server.url("")));
    let mut session = lback::sqlite::connect(":memory:")?.with_shared_state(Arc::clone(&crm));
    lback::sqlite::migrate(&mut session)?;
    // AUTOINCREMENT: the id is the key by which the other system tells a repetition, and SQLite would
    // give that of a deleted row once more.
    diesel::sql_query(
        "CREATE TABLE pushes (id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL, \
         body TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT)",
    )
    .execute(session.conn())?;

    // Failures of effects reach no caller; this is where an application hears of them.
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&alarms);
    session = session.with_failure_handler(move |failure| {
        println!("  alarm: {failure}");
        let mut alarms = heard.lock().unwrap_or_else(PoisonError::into_inner);
        alarms.push(failure.to_string());
    });
    let users = UserRepository::new();
    let inactive = || UserChanges {
        is_active: Some(false),
        ..Default::default()
    };

    println!("all is well");
    let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    let ada = users.create(&mut session, new)?;
    let requests = server.take();
    assert_eq!(summary(&requests), ["push-1 PUT /users/1"]);
    assert!(
        requests[0].body.contains(r#""password":"***""#),
        "{}",
        requests[0].body
    );

    println!("the other system is down: the change is stored, and waits");
    server.answer_with(503);
    let ada = users.update(&mut session, &ada, inactive())?;
    assert!(!ada.is_active);
    assert_eq!(Push::waiting(&mut session)?.len(), 1);
    assert_eq!(alarms.lock().map_or(0, |alarms| alarms.len()), 1);
    let push = &Push::waiting(&mut session)?[0];
    println!(
        "  waits: {} {} after {} attempt, {:?}",
        push.method, push.path, push.attempts, push.last_error
    );
    assert_eq!(push.attempts, 1);

    println!("it is up again: a timer pushes what is left");
    server.answer_with(200);
    crm.push_all(&mut session)?;
    assert_eq!(summary(&server.take()), ["push-2 PUT /users/1"]);

    println!("this process dies between the commit and the push");
    let (deleted, _never_run) = session.capture(|session| users.delete(session, &ada));
    deleted?;
    assert_eq!(server.take(), []);
    println!("... and another one goes on");
    crm.push_all(&mut session)?;
    assert_eq!(summary(&server.take()), ["push-3 DELETE /users/1"]);

    println!("a transaction fails: nothing is pushed");
    let new = NewUser::new("grace", "grace@example.com", "correct horse battery")?;
    let failed: lback::Result<()> = session.transaction(|session| {
        users.create(session, new)?;
        Err(lback::Invalid::new("contract", "is not signed").into())
    });
    assert!(failed.is_err());
    assert_eq!(server.take(), []);
    assert!(Push::waiting(&mut session)?.is_empty());
    Ok(())
}

fn summary(requests: &[http::Request]) -> Vec<String> {
    let lines: Vec<String> = requests
        .iter()
        .map(|request| format!("{} {} {}", request.key, request.method, request.path))
        .collect();
    for line in &lines {
        println!("  received: {line}");
    }
    lines
}

// The table of what waits.

diesel::table! {
    pushes (id) {
        id -> BigInt,
        method -> Text,
        path -> Text,
        body -> Text,
        attempts -> Integer,
        last_error -> Nullable<Text>,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pushes)]
struct Push {
    id: i64,
    method: String,
    path: String,
    body: String,
    attempts: i32,
    last_error: Option<String>,
}

impl Push {
    fn add(conn: &mut SqliteConnection, method: &str, path: &str, body: &str) -> QueryResult<()> {
        diesel::insert_into(pushes::table)
            .values((
                pushes::method.eq(method),
                pushes::path.eq(path),
                pushes::body.eq(body),
            ))
            .execute(conn)?;
        Ok(())
    }

    fn waiting(session: &mut Session) -> QueryResult<Vec<Self>> {
        pushes::table
            .order(pushes::id)
            .select(Self::as_select())
            .load(session.conn())
    }

    fn done(&self, session: &mut Session, result: Result<(), &ureq::Error>) -> QueryResult<()> {
        let row = pushes::table.find(self.id);
        match result {
            Ok(()) => diesel::delete(row).execute(session.conn())?,
            Err(error) => diesel::update(row)
                .set((
                    pushes::attempts.eq(self.attempts + 1),
                    pushes::last_error.eq(error.to_string()),
                ))
                .execute(session.conn())?,
        };
        Ok(())
    }
}
