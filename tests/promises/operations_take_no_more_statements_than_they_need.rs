//! Counted by Diesel's instrumentation, for each operation outside of transactions and in one, and
//! for six kinds of receivers. `docs/statements.md` is the result.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::InstrumentationEvent;

use crate::database::*;
use lback_tests::{Trace, new_user, note};

mod nobody {
    use crate::database::*;
    own_users!();
}

mod effects {
    use super::*;
    own_users!();

    #[receiver(user_post_create, user_post_update, user_post_delete, after_commit)]
    fn tell(#[state] trace: &Trace) {
        trace.note("stored");
    }
}

mod changes {
    use super::*;

    own_repository!(
        Users: entity = lback::User,
        table = lback::schema::users,
        insert = lback::NewUser,
        update = lback::UserChanges,
        shared_entity,
        changes
    );

    #[receiver(user_changed)]
    fn tell(change: &Change<User>, #[state] trace: &Trace) {
        trace.note(&change.either().username);
    }
}

mod checks {
    use super::*;
    own_users!();

    #[receiver(user_pre_create, user_pre_update, user_pre_delete)]
    fn check(signal: &SignalInfo) -> Result<(), Veto> {
        assert!(signal.name().contains("_pre_"));
        Ok(())
    }
}

mod six {
    use super::*;
    own_users!();

    #[receiver(user_pre_create, user_pre_update, user_pre_delete)]
    #[receiver(user_post_create, user_post_update, user_post_delete)]
    fn see(signal: &SignalInfo) {
        assert!(signal.name().starts_with("user_"));
    }
}

mod six_that_write {
    use super::*;
    own_users!();

    #[receiver(user_pre_create, user_pre_update, user_pre_delete)]
    #[receiver(user_post_create, user_post_update, user_post_delete)]
    fn audit(signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
        note(conn, signal.name())
    }
}

/// What was sent to the database, by its first word.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn attach(session: &mut Session) -> Self {
        let log = Self::default();
        let sink = Arc::clone(&log.0);
        session
            .conn()
            .set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    let word = first_word(&query.to_string());
                    sink.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(word);
                }
            });
        log
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn first_word(statement: &str) -> String {
    if statement.starts_with("ROLLBACK TO") {
        return "ROLLBACK TO".into();
    }
    // The marks of a transaction whose connection was lent out.
    if statement.contains("SAVEPOINT lback_guard") && !statement.starts_with("RELEASE") {
        return "GUARD".into();
    }
    if statement.contains("; SAVEPOINT lback_guard") {
        return "GUARD".into();
    }
    if statement.starts_with("RELEASE SAVEPOINT lback_guard") {
        return "PROBE".into();
    }
    if statement == "SELECT 1" {
        return "PROBE".into();
    }
    let end = statement.find([' ', ';']).unwrap_or(statement.len());
    statement[..end].to_owned()
}

/// Diesel's MySQL connection sends what is not prepared between two other commands.
fn round_trips(word: &str) -> usize {
    let is_prepared = matches!(word, "INSERT" | "UPDATE" | "DELETE" | "SELECT" | "SET");
    match NAME {
        "SQLite" => 0,
        "MySQL" if !is_prepared => 3,
        _ => 1,
    }
}

fn cell(words: &[String]) -> String {
    let statements = words.len();
    let trips: usize = words.iter().map(|word| round_trips(word)).sum();
    let words = words.join(", ");
    match NAME {
        "MySQL" => format!("{statements} ({trips}): {words}"),
        _ => format!("{statements}: {words}"),
    }
}

/// One column of the table: the operations of one repository.
macro_rules! rows {
    ($session:ident, $log:ident, $rows:ident, $($module:ident: $listeners:literal,)+) => {$(
        let users = $module::Users;
        let name = stringify!($module);
        // Everything is prepared beforehand.
        for warm in [true, false] {
            let again = if warm { "warm" } else { "cold" };
            let outside = new_user(&format!("{name} outside {again}"));
            let inside = new_user(&format!("{name} inside {again}"));
            let changes = |text: &str| UserChanges {
                email: Some(format!("{text}.{name}.{again}@example.com")),
                ..UserChanges::default()
            };
            let mut counted = Vec::new();

            $log.take();
            let one = users.create(&mut $session, outside)?;
            let outside = $log.take();
            let two = $session.transaction(|session| {
                $log.take();
                let two = users.create(session, inside);
                counted.push(("create", outside, $log.take()));
                two
            })?;

            $log.take();
            users.update(&mut $session, &one, changes("outside"))?;
            let outside = $log.take();
            $session.transaction(|session| {
                $log.take();
                let updated = users.update(session, &two, changes("inside"));
                counted.push(("update", outside, $log.take()));
                updated
            })?;

            $log.take();
            users.delete(&mut $session, &one)?;
            let outside = $log.take();
            $session.transaction(|session| {
                $log.take();
                let deleted = users.delete(session, &two);
                counted.push(("delete", outside, $log.take()));
                deleted
            })?;

            if !warm {
                for (operation, outside, inside) in counted {
                    let (outside, inside) = (cell(&outside), cell(&inside));
                    $rows.push(format!(
                        "| {operation} | {} | {outside} | {inside} |", $listeners
                    ));
                }
            }
        }
    )+};
}

#[test]
fn as_the_documentation_says() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Trace::new());
    let log = Log::attach(&mut session);
    let mut rows = Vec::new();

    rows!(
        session, log, rows,
        nobody: "none",
        effects: "after-commit only",
        changes: "changes, without `conn`",
        checks: "pre, without `conn`",
        six: "six, without `conn`",
        six_that_write: "six, each with one INSERT",
    );
    nobody::Users.find(&mut session, UserId::from(1))?;
    log.take();
    nobody::Users.find(&mut session, UserId::from(1))?;
    let found = cell(&log.take());
    rows.push(format!("| find | any | {found} | {found} |"));

    let table = rows.join("\n");
    let page = include_str!("../../docs/statements.md");
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with(NAME))
        .expect("each database has a section");
    assert!(
        section.contains(&table),
        "docs/statements.md should say of {NAME}:\n\n{table}"
    );
    Ok(())
}
