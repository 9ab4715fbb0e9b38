//! A statement is prepared once a connection, and then kept: a loop that goes on prepares nothing
//! anew.
//!
//! Counted by Diesel's instrumentation, which tells of each statement that is kept and of each that
//! is executed, and, where the database counts too, by the server. Bulk writes are not meant: their
//! texts depend on the number of rows.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::sql_types::Text;
use lback::Page;
use lback_tests::{new_user, note};

use crate::database::*;

mod nobody {
    use crate::database::*;
    own_users!();
}

mod upwards {
    use crate::database::*;
    own_users!();
}

mod downwards {
    use crate::database::*;
    own_users!();
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

/// The texts of statements, in the order of what became of them.
#[derive(Clone, Default)]
struct Statements {
    kept: Arc<Mutex<Vec<String>>>,
    executed: Arc<Mutex<Vec<String>>>,
}

impl Statements {
    fn of(session: &mut Session) -> Self {
        let statements = Self::default();
        let Self { kept, executed } = statements.clone();
        session
            .conn()
            .set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
                InstrumentationEvent::CacheQuery { sql, .. } => {
                    kept.lock().unwrap().push(sql.to_owned());
                }
                InstrumentationEvent::StartQuery { query, .. } => {
                    let text = query.to_string();
                    let sql = text.split(" -- binds: ").next().unwrap();
                    executed.lock().unwrap().push(sql.to_owned());
                }
                _ => {}
            });
        statements
    }

    fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }

    /// What was executed since the last call and is not kept, but for the frame of transactions and
    /// the question whether one is still sound, which are not prepared at all.
    fn not_kept(&self) -> Vec<String> {
        const FRAME: [&str; 7] = [
            "BEGIN",
            "COMMIT",
            "SAVEPOINT",
            "RELEASE",
            "SET @lback_autocommit",
            "SELECT 1",
            // Once a repository and process.
            "SELECT engines.ENGINE",
        ];
        let kept = self.kept();
        let mut executed = mem::take(&mut *self.executed.lock().unwrap());
        executed.retain(|sql| !FRAME.iter().any(|word| sql.starts_with(word)));
        assert!(!executed.is_empty());
        executed.retain(|sql| !kept.contains(sql));
        // What a session asks its database once.
        let asks = [
            "/*M!",
            "information_schema",
            "pg_class",
            "pragma_database_list",
            "sqlite_master",
            "sqlite_temp_master",
        ];
        executed.retain(|sql| !asks.iter().any(|word| sql.contains(word)));
        executed
    }
}

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// What the server says of this session: how many statements PostgreSQL holds prepared, and how many
/// MySQL has ever prepared, with this one.
fn prepared_by_the_server(session: &mut Session) -> i64 {
    let query = match NAME {
        "SQLite" => return 0,
        "MySQL" => "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'",
        _ => "SELECT count(*)::text AS \"Value\" FROM pg_prepared_statements",
    };
    let status: Status = diesel::sql_query(query).get_result(session.conn()).unwrap();
    status.value.parse().unwrap()
}

/// Each operation on one row, and each shape of an update that the others do not have.
fn round<R>(users: &R, session: &mut Session, name: &str) -> lback::Result<()>
where
    R: Repository<Entity = User, Insert = NewUser, Connection = Native>
        + lback::Updates<Update = UserChanges>,
{
    let user = users.create(session, new_user(name))?;
    for changes in [
        UserChanges {
            email: Some(format!("changed.{}", user.email)),
            ..UserChanges::default()
        },
        UserChanges {
            is_active: Some(false),
            auth_token: Some(None),
            ..UserChanges::default()
        },
        UserChanges {
            updated_at: Some(user.created_at),
            ..UserChanges::default()
        },
        UserChanges::default(),
    ] {
        users.update(session, user.id, changes)?;
    }
    let found = users.find(session, user.id)?.expect("it is there");
    assert_eq!(found.email, format!("changed.{}", user.email));
    assert_eq!(found.updated_at, user.created_at);
    assert!(!found.is_active);
    assert!(users.exists(session, user.id)?);
    assert_eq!(users.count(session)?, 1);
    assert_eq!(users.list(session, Page::new(0, 10))?, [found]);
    users.delete(session, user.id)
}

/// The queries that only the built-in repository has.
fn look_up(session: &mut Session) -> lback::Result<()> {
    let users = UserRepository::new();
    let found = [
        users.find_by_username(session, "nobody")?,
        users.find_by_email(session, "nobody@example.com")?,
        users.find_by_auth_token(session, "a token")?,
        users.find_by_verification_token(session, "a token")?,
    ];
    assert_eq!(found, [const { None }; 4]);
    assert_eq!(users.search(session, "nobody", Page::new(0, 10))?, []);
    Ok(())
}

fn all(session: &mut Session, name: &str) -> lback::Result<()> {
    round(&nobody::Users, session, &format!("nobody {name}"))?;
    round(&six::Users, session, &format!("six {name}"))?;
    round(&six_that_write::Users, session, &format!("writing {name}"))?;
    look_up(session)
}

fn outside_and_inside(session: &mut Session, name: &str) -> lback::Result<()> {
    all(session, name)?;
    session.transaction(|session| all(session, name))
}

#[test]
fn a_steady_loop_prepares_nothing() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let statements = Statements::of(&mut session);

    outside_and_inside(&mut session, "at first")?;
    assert_eq!(statements.not_kept(), [""; 0]);
    let asked = prepared_by_the_server(&mut session);
    let before = prepared_by_the_server(&mut session);
    let by_asking = before - asked;
    assert_eq!(by_asking == 1, NAME == "MySQL", "{by_asking}");
    let kept = statements.kept();
    statements.executed.lock().unwrap().clear();
    for number in 1..=5 {
        outside_and_inside(&mut session, &number.to_string())?;
    }

    assert_eq!(statements.kept(), kept);
    assert_eq!(statements.not_kept(), [""; 0]);
    let after = prepared_by_the_server(&mut session);
    assert_eq!(after - before, by_asking);
    Ok(())
}

/// Every choice of the five columns below but the empty one.
const SHAPES: u32 = (1 << 5) - 1;

/// Changes the columns of this shape in `user`, each to a value of its own, as the update does that
/// comes back.
fn change(user: &mut User, shape: u32, value: &mut u32) -> UserChanges {
    let mut changes = UserChanges {
        // Otherwise it would be set to the present.
        updated_at: Some(user.updated_at),
        ..UserChanges::default()
    };
    let mut text = || {
        *value += 1;
        format!("value{value}")
    };
    if shape & 1 != 0 {
        user.username = text();
        changes.username = Some(user.username.clone());
    }
    if shape & 2 != 0 {
        user.email = text() + "@example.com";
        changes.email = Some(user.email.clone());
    }
    if shape & 4 != 0 {
        user.is_active = !user.is_active;
        changes.is_active = Some(user.is_active);
    }
    if shape & 8 != 0 {
        user.email_verification_token = Some(Secret::from(text()));
        changes.email_verification_token = Some(user.email_verification_token.clone());
    }
    if shape & 16 != 0 {
        user.auth_token = Some(Secret::from(text()));
        changes.auth_token = Some(user.auth_token.clone());
    }
    changes
}

/// More shapes than a repository gives ids of their own; and what has one in the first repository
/// has another, or none, in the second.
#[test]
fn every_shape_of_an_update_is_a_statement_of_its_own() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.hasty_session();
    let statements = Statements::of(&mut session);
    let (upwards, downwards) = (upwards::Users, downwards::Users);
    let mut one = upwards.create(&mut session, new_user("one"))?;
    let mut two = downwards.create(&mut session, new_user("two"))?;

    let mut value = 0;
    let mut seen = Vec::new();
    for _ in 0..3 {
        for shape in 1..=SHAPES {
            let changes = change(&mut one, shape, &mut value);
            assert_eq!(upwards.update(&mut session, one.id, changes)?, one);
            let changes = change(&mut two, SHAPES + 1 - shape, &mut value);
            assert_eq!(downwards.update(&mut session, two.id, changes)?, two);
            let stored = users::table.order(users::id).select(User::as_select());
            let stored = stored.load(session.conn())?;
            assert_eq!(stored, [one.clone(), two.clone()], "{shape}");
        }
        let mut updates = BTreeMap::new();
        for sql in statements.kept() {
            if sql.starts_with("UPDATE") {
                *updates.entry(sql).or_insert(0) += 1;
            }
        }
        seen.push(updates);
    }

    assert_eq!(seen[0].len(), SHAPES as usize);
    // Once a repository: the two write alike.
    assert!(seen[0].values().all(|&times| times <= 2), "{seen:?}");
    assert_eq!([&seen[1], &seen[2]], [&seen[0]; 2]);
    assert_eq!(statements.not_kept(), [""; 0]);
    Ok(())
}
