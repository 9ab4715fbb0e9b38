//! Integrations: changes are pushed to another system over HTTP, and it is sometimes down.
//!
//! Durable receivers: a row for each push is stored in the same transaction as the change, and delivered until it is
//! done. So a push may happen twice, and carries a key by which the other system can tell; but none is lost, even if
//! this process dies in between.
//!
//! `cargo run -p lback-examples --example integrations`

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lback::BoxError;
use lback::outbox::Delivery;
use lback::sqlite::{Database, prelude::*, users::*};
use lback_examples::server::http;

/// One by one for each user: later changes must not overtake earlier ones.
#[receiver(user_post_create, user_post_update, durable, id = "crm.user", ordered = |user: &User| user.id)]
fn push_the_row(
    user: &User,
    #[state] crm: &Crm,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    // As JSON the password and the tokens are `***`, and so they are in the outbox.
    let body = serde_json::to_string(user)?;
    crm.put(&format!("/users/{}", user.id), &body, &delivery.id)
}

/// Under the same id, so that both are one order.
#[receiver(user_post_delete, durable, id = "crm.user", ordered = |user_id: UserId| user_id)]
fn push_the_removal(
    user_id: UserId,
    #[state] crm: &Crm,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    crm.delete(&format!("/users/{user_id}"), &delivery.id)
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

    fn put(&self, path: &str, body: &str, key: &str) -> Result<(), BoxError> {
        let request = self.agent.put(format!("{}{path}", self.url));
        let request = request.header("Idempotency-Key", key);
        request.content_type("application/json").send(body)?;
        Ok(())
    }

    fn delete(&self, path: &str, key: &str) -> Result<(), BoxError> {
        let request = self.agent.delete(format!("{}{path}", self.url));
        request.header("Idempotency-Key", key).call()?;
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let server = http::Server::start()?;
    // Failed attempts reach no caller; this is where an application hears of them.
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&alarms);
    let database = Database::builder()
        .with_state(Crm::new(server.url("")))
        .with_failure_handler(move |failure| {
            println!("  alarm: {failure}");
            let mut alarms = heard.lock().unwrap_or_else(PoisonError::into_inner);
            alarms.push(failure.to_string());
        })
        .connect(":memory:")?;
    lback::sqlite::migrate(&mut database.session()?)?;
    lback::sqlite::migrate_outbox(&mut database.session()?)?;
    let worker = database.worker().start()?;
    let users = UserRepository::new();
    let inactive = || UserChanges {
        is_active: Some(false),
        ..Default::default()
    };

    println!("all is well");
    let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    let ada = users.create(&mut database.session()?, new)?;
    wait_until_delivered(&database)?;
    let requests = server.take();
    assert_eq!(summary(&requests), ["PUT /users/1"]);
    assert!(
        requests[0].body.contains(r#""password":"***""#),
        "{}",
        requests[0].body
    );

    println!("the other system is down: the change is stored, and waits");
    server.answer_with(503);
    let ada = users.update(&mut database.session()?, &ada, inactive())?;
    assert!(!ada.is_active);
    wait_until(|| Ok(alarms.lock().map_or(0, |alarms| alarms.len()) > 0))?;
    assert_eq!(waiting(&database)?, 1);

    println!("it is up again: the worker tries once more, a second later");
    server.answer_with(200);
    wait_until_delivered(&database)?;
    assert_eq!(summary(&server.take()), ["PUT /users/1"]);

    println!("this process dies between the commit and the push");
    worker.stop();
    users.delete(&mut database.session()?, &ada)?;
    assert_eq!(server.take(), []);
    println!("... and another one goes on");
    let worker = database.worker().start()?;
    wait_until_delivered(&database)?;
    assert_eq!(summary(&server.take()), ["DELETE /users/1"]);

    println!("a transaction fails: nothing is pushed");
    let new = NewUser::new("grace", "grace@example.com", "correct horse battery")?;
    let failed: lback::Result<()> = database.transaction(|session| {
        users.create(session, new)?;
        Err(lback::Invalid::new("contract", "is not signed").into())
    });
    assert!(failed.is_err());
    assert_eq!(waiting(&database)?, 0);
    worker.stop();
    assert_eq!(server.take(), []);
    Ok(())
}

/// How many rows the outbox has.
fn waiting(database: &Database) -> lback::Result<u64> {
    let depths = database.session()?.outbox().depths()?;
    let count =
        |depth: &lback::outbox::Depth| depth.ready + depth.scheduled + depth.running + depth.held;
    Ok(depths.iter().map(count).sum())
}

fn wait_until_delivered(database: &Database) -> Result<(), BoxError> {
    wait_until(|| Ok(waiting(database)? == 0))
}

fn wait_until(mut is_so: impl FnMut() -> lback::Result<bool>) -> Result<(), BoxError> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > Duration::from_secs(60) {
            return Err("it takes too long".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn summary(requests: &[http::Request]) -> Vec<String> {
    let lines: Vec<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    for line in &lines {
        println!("  received: {line}");
    }
    lines
}
