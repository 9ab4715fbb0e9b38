//! Password, hash and tokens: not in what receivers print, debug or serialize, not in any error or
//! its sources, not in the log, not in Diesel's query events with their binds. `***` instead.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt::Write as _;

use crate::database::*;
use diesel::connection::InstrumentationEvent;
use lback::Error;
use lback::password::Hasher;
use lback_tests::Trace;

own_users!();

const PASSWORD: &str = "canary-password-Hk3";
const TOKEN: &str = "canary-token-Zq8";

/// A user with canaries in every secret column.
fn canary(name: &str) -> (NewUser, String) {
    let hasher = Hasher::argon2id(8, 1, 1).expect("the least that argon2 has");
    let password = hasher.hash(PASSWORD).expect("a valid password");
    let mut new = NewUser::with_password(name, format!("{name}@example.com"), password.clone());
    new.auth_token = Some(Secret::from(TOKEN));
    new.email_verification_token = Some(Secret::from(TOKEN));
    (new, TOKEN.to_owned())
}

fn changes() -> UserChanges {
    UserChanges {
        password: Some(canary("any").0.password),
        auth_token: Some(Some(Secret::from(TOKEN))),
        email_verification_token: Some(Some(Secret::from(TOKEN))),
        ..UserChanges::default()
    }
}

/// Every hash here is made with these parameters.
const HASHES: &str = "$argon2";

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for canary in [PASSWORD, TOKEN, HASHES, "argon2id"] {
        assert!(!text.contains(canary), "`{canary}` is in {what}: {text}");
    }
}

/// `Display`, `Debug` in both forms, and the same of every source.
fn all_of(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, "{error}\n{error:?}\n{error:#?}\n").expect("a string");
        if let Some(diesel::result::Error::DatabaseError(_, info)) = error.downcast_ref() {
            write!(
                text,
                "{:?} {:?} {:?}",
                info.message(),
                info.details(),
                info.hint()
            )
            .expect("a string");
        }
        next = error.source();
    }
    text
}

#[receiver(user_pre_create)]
fn pre_create(sender: &Users, data: &NewUser, signal: &SignalInfo, #[state] trace: &Trace) {
    trace.note(format!("{sender:?} {data:?} {data:#?} {signal:?} {signal}"));
    trace.note(serde_json::to_string(data).expect("it serializes"));
    let password = &data.password;
    let token = data.auth_token.as_ref().expect("a canary");
    trace.note(format!("{password} {password:?} {token} {token:?}"));
    trace.note(serde_json::to_string(&(password, token)).expect("it serializes"));
}

#[receiver(user_post_create, user_pre_delete, user_post_delete)]
fn user(user: &User, #[state] trace: &Trace) {
    trace.note(format!("{user:?} {user:#?}"));
    trace.note(serde_json::to_string(user).expect("it serializes"));
    let tokens = (&user.auth_token, &user.email_verification_token);
    trace.note(format!("{} {:?} {tokens:?}", user.password, user.password));
    trace.note(serde_json::to_string(&(&user.password, tokens)).expect("it serializes"));
}

#[receiver(user_pre_update)]
fn pre_update(user: &User, update_data: &UserChanges, #[state] trace: &Trace) {
    trace.note(format!("{user:?} {update_data:?} {update_data:#?}"));
    trace.note(serde_json::to_string(&(user, update_data)).expect("it serializes"));
}

#[receiver(user_post_update)]
fn post_update(user: &User, previous: &User, update_data: &UserChanges, #[state] trace: &Trace) {
    trace.note(format!("{user:?} {previous:#?} {update_data:?}"));
    trace.note(serde_json::to_string(&(user, previous, update_data)).expect("it serializes"));
}

// Its error quotes all that it was given.
#[receiver(user_post_create, user_post_update, order = 1)]
fn complain(user: &User) -> Result<(), String> {
    if user.username.starts_with("complain") {
        return Err(format!("I do not like {user:?}"));
    }
    Ok(())
}

#[receiver(user_pre_create, order = 1)]
fn veto(data: &NewUser) -> Result<(), Veto> {
    if data.username.starts_with("veto") {
        return Err(Veto::new(format!("I do not like {data:?}")).field("password"));
    }
    Ok(())
}

#[test]
fn in_what_receivers_print_debug_and_serialize() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let (new, _) = canary("ada");
    let ada = Users.create(&mut session, new).expect("valid");
    let ada = Users.update(&mut session, &ada, changes()).expect("valid");
    Users.delete(&mut session, &ada).expect("it is there");

    let notes = trace.take();
    assert_eq!(notes.len(), 4 + 4 + 2 + 2 + 4 + 4, "every receiver ran");
    for note in notes {
        assert_clean("a receiver's argument", &note);
        assert!(note.contains("***"), "{note}");
    }
}

thread_local! {
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps everything that is logged, with its fields, for the thread that logged it.
///
/// It is the subscriber of the whole process: `tracing` remembers of a callsite that nobody wants
/// it, if a thread without a subscriber is the first to pass there.
struct Log;

impl Log {
    fn install() {
        // Another test may have been first; that it is this one, the test's own assertion shows.
        let _ = tracing::subscriber::set_global_default(Self);
        Self::take();
    }

    fn take() -> String {
        LOGGED.take()
    }

    fn add(record: impl FnOnce(&mut dyn tracing::field::Visit)) {
        struct Visitor(String);
        impl tracing::field::Visit for Visitor {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                writeln!(self.0, "{field} = {value:?} {value:#?}").expect("a string");
            }
        }
        let mut visitor = Visitor(String::new());
        record(&mut visitor);
        LOGGED.with_borrow_mut(|logged| logged.push_str(&visitor.0));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let name = span.metadata().name();
        LOGGED.with_borrow_mut(|logged| logged.push_str(name));
        Self::add(|visitor| span.record(visitor));
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        Self::add(|visitor| values.record(visitor));
    }
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        Self::add(|visitor| event.record(visitor));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[receiver(user_post_create, after_commit)]
fn fail_after_the_commit(user: &User) -> Result<(), String> {
    Err(format!("the mail to {user:?} bounced"))
}

#[test]
fn in_the_log() {
    let Some(database) = Database::fresh() else {
        return;
    };
    Log::install();
    let mut session = database.session().with_state(Trace::new());
    let (new, _) = canary("ada");
    let ada = Users.create(&mut session, new).expect("valid");
    Users.update(&mut session, &ada, changes()).expect("valid");
    for name in ["complain", "veto", "ada", "x"] {
        Users
            .create(&mut session, canary(name).0)
            .expect_err("refused");
    }
    Users.delete(&mut session, &ada).expect("it is there");
    let log = Log::take();
    assert!(log.contains("fail_after_the_commit"), "it is logged: {log}");
    assert_clean("the log", &log);
}

#[test]
fn in_diesels_query_events_with_their_binds() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let events = Trace::new();
    let mut session = database.session().with_state(Trace::new());
    let seen = events.clone();
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            let text = match &event {
                InstrumentationEvent::StartQuery { query, .. }
                | InstrumentationEvent::FinishQuery { query, .. } => format!("{query} {query:?}"),
                _ => String::new(),
            };
            seen.note(format!("{text} {event:?}"));
        });
    let users = UserRepository::new();

    let (new, token) = canary("ada");
    let ada = Users.create(&mut session, new).expect("valid");
    Users.update(&mut session, &ada, changes()).expect("valid");
    for found in [
        users.find_by_auth_token(&mut session, &token),
        users.find_by_auth_token(&mut session, PASSWORD),
        users.find_by_verification_token(&mut session, &token),
        users.authenticate(&mut session, "ada", PASSWORD),
        users.authenticate(&mut session, "nobody", PASSWORD),
    ] {
        found.expect("it can be read");
    }
    Users
        .create(&mut session, canary("ada").0)
        .expect_err("a duplicate");
    Users.delete(&mut session, &ada).expect("it is there");

    let events = events.take();
    for start in ["INSERT", "UPDATE", "SELECT", "DELETE"] {
        let of_kind: Vec<_> = events.iter().filter(|text| text.contains(start)).collect();
        assert!(!of_kind.is_empty(), "no {start} was seen: {events:?}");
        if matches!(start, "INSERT" | "UPDATE") {
            assert!(of_kind.iter().any(|text| text.contains("***")), "{start}");
        }
    }
    for event in events {
        assert_clean("a query event", &event);
    }
}

#[test]
fn in_errors_of_receivers_validation_and_a_unique_column() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());
    let ada = Users
        .create(&mut session, canary("ada").0)
        .expect("it is valid");
    let mut check = |name: &str, is_right: fn(&Error) -> bool| {
        let error = Users
            .create(&mut session, canary(name).0)
            .expect_err("it is refused");
        assert!(is_right(&error), "{error:?}");
        assert_clean("an error", &all_of(&error));
    };
    check("ada", |error| matches!(error, Error::Duplicate { .. }));
    check("x", |error| matches!(error, Error::Invalid(_)));
    check("veto", |error| matches!(error, Error::Vetoed { .. }));
    check("complain", |error| {
        matches!(error, Error::ReceiverFailed { .. })
    });
    let mut new = canary("grace").0;
    new.auth_token = Some(Secret::from(format!("{TOKEN}\0")));
    let error = Users.create(&mut session, new).expect_err("a NUL");
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert_clean("an error", &all_of(&error));
    let error = Users
        .update(&mut session, UserId::from(i64::MAX), changes())
        .expect_err("nobody");
    assert_clean("an error", &all_of(&error));
    drop(ada);
}

/// Rules of the database, which no validation of ours foresees.
#[test]
fn in_errors_of_not_null_check_and_foreign_key() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session().with_state(Trace::new());
    let ada = Users
        .create(&mut session, canary("ada").0)
        .expect("it is valid");
    for statement in broken_rules() {
        diesel::sql_query(statement)
            .execute(session.conn())
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    let deleted = Users.delete(&mut session, &ada);
    assert!(
        matches!(deleted, Err(Error::ForeignKey { .. })),
        "{deleted:?}"
    );
    assert_clean("an error", &all_of(&deleted.expect_err("just seen")));

    for (name, what) in [("not null", "NOT NULL"), ("check it", "CHECK")] {
        let mut new = canary("grace").0;
        new.username = name.to_owned();
        let refused = Users.create(&mut session, new);
        let error = refused.expect_err(what);
        assert!(matches!(error, Error::Database(_)), "{what}: {error:?}");
        assert_clean(what, &all_of(&error));
        // Also when it comes out of a receiver, or through Diesel's own error and back.
        let diesel_error: diesel::result::Error = error.into();
        assert_clean(what, &all_of(&diesel_error));
        assert_clean(what, &all_of(&Error::from(diesel_error)));
    }
}

/// A reference to ada, a column that must be given and is not, and a rule that some names break.
fn broken_rules() -> Vec<&'static str> {
    if NAME == "SQLite" {
        // SQLite cannot add rules to a table, and so gets the same ones in a new one.
        return vec![
            "CREATE TABLE old AS SELECT * FROM users",
            "DROP TABLE users",
            "CREATE TABLE users (
                id INTEGER NOT NULL PRIMARY KEY,
                username VARCHAR NOT NULL UNIQUE,
                email VARCHAR NOT NULL,
                password VARCHAR NOT NULL,
                is_active BOOLEAN NOT NULL,
                is_email_verified BOOLEAN NOT NULL,
                email_verification_token VARCHAR,
                email_verification_token_expiry DATETIME,
                auth_token VARCHAR,
                token_expiry DATETIME,
                created_at DATETIME NOT NULL,
                updated_at DATETIME NOT NULL,
                needed INTEGER NOT NULL DEFAULT 0,
                CHECK (username <> 'check it')
            )",
            "INSERT INTO users SELECT *, 0 FROM old",
            "CREATE TRIGGER not_null AFTER INSERT ON users WHEN NEW.username = 'not null'
             BEGIN UPDATE users SET needed = NULL WHERE id = NEW.id; END",
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id))",
            "INSERT INTO posts (user_id) SELECT id FROM users",
        ];
    }
    let mut rules = vec![
        "ALTER TABLE users ADD CONSTRAINT no_checks CHECK (username <> 'check it')",
        "CREATE TABLE posts (id INT PRIMARY KEY, user_id BIGINT NOT NULL,
         FOREIGN KEY (user_id) REFERENCES users (id))",
        "INSERT INTO posts (id, user_id) SELECT 1, id FROM users",
    ];
    if NAME == "PostgreSQL" {
        rules.extend([
            "ALTER TABLE users ADD COLUMN needed INT DEFAULT 0 NOT NULL",
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN IF NEW.username = ''not null'' THEN NEW.needed = NULL; END IF; RETURN NEW; END'",
            "CREATE TRIGGER not_null BEFORE INSERT ON users
             FOR EACH ROW EXECUTE FUNCTION forget()",
        ]);
    } else {
        rules.extend([
            "ALTER TABLE users ADD COLUMN needed INT DEFAULT 0 NOT NULL",
            "CREATE TRIGGER not_null BEFORE INSERT ON users FOR EACH ROW
             SET NEW.needed = IF(NEW.username = 'not null', NULL, 0)",
        ]);
    }
    rules
}
