//! What can only be said of a whole program: one receiver hears every entity, what is expected is there,
//! and what is probably a mistake is listed.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::InstrumentationEvent;
use lback::sqlite::{prelude::*, users::*};
use lback_tests::{cheap_password, new_user};

/// What ran.
static TRACE: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(what: impl Into<String>) {
    let mut trace = TRACE.lock().unwrap_or_else(PoisonError::into_inner);
    trace.push(what.into());
}

fn taken() -> Vec<String> {
    std::mem::take(&mut *TRACE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Its own signals, and no `Serialize`.
mod cats {
    use super::*;

    diesel::table! {
        cats (id) {
            id -> BigInt,
            name -> Text,
        }
    }

    #[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
    pub(super) struct Cat {
        pub(super) id: i64,
        pub(super) name: String,
    }

    #[derive(Clone, Debug, Insertable)]
    #[diesel(table_name = cats)]
    pub(super) struct NewCat {
        pub(super) name: String,
    }

    #[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
    #[diesel(table_name = cats)]
    pub(super) struct CatChanges {
        pub(super) name: Option<String>,
    }

    impl Validate for NewCat {}
    impl Validate for CatChanges {}

    // As a query says it: `cats::table`.
    #[repository(
        entity = Cat,
        table = cats::table,
        insert = NewCat,
        update = CatChanges,
        connection = SqliteConnection
    )]
    #[derive(Clone, Debug)]
    pub(super) struct Cats;
}

use cats::{Cat, CatChanges, Cats, NewCat, cat_post_create};

/// Who acts.
struct Actor(&'static str);

#[receiver(
    any_pre_create,
    any_post_create,
    any_pre_update,
    any_post_update,
    any_pre_delete,
    any_post_delete
)]
fn audit(
    row: &AnyRow,
    #[state] actor: &Actor,
    #[conn] db: &mut SqliteConnection,
) -> QueryResult<usize> {
    note(format!(
        "{}: {} of {} {}",
        actor.0,
        row.signal(),
        row.entity(),
        row.key().unwrap_or("?")
    ));
    diesel::sql_query("UPDATE counted SET rows = rows + 1").execute(db)
}

#[receiver(any_post_create, after_commit, when = |row: &AnyRow| row.entity() == "cat")]
fn announce(row: AnyRow) {
    note(format!("a new {}, {:?}", row.entity(), row.value()));
}

/// Who is told of what is gone, and who is never called.
struct Register;
struct Kennel;

#[receiver(any_post_delete, after_commit)]
fn strike_out(row: &AnyRow, #[state] _register: &Register) {
    note(format!("{} is struck out", row.entity()));
}

#[receiver(any_post_create, after_commit, when = |row: &AnyRow| row.entity() == "dog")]
fn house(#[state] _kennel: &Kennel) {
    note("a dog");
}

#[receiver(any_pre_create, after_rollback)]
fn attempted(row: &AnyRow) {
    note(format!("attempted: {}", row.entity()));
}

#[receiver(any_post_update, on_error = "isolate")]
fn values(row: &AnyRow, _session: &mut Session) -> Result<(), String> {
    let text = |value: Option<&serde_json::Value>, field: &str| {
        value.map_or("none".to_owned(), |value| value[field].to_string())
    };
    note(format!(
        "{} -> {} by {}, password {}",
        text(row.previous(), "username"),
        text(row.value(), "username"),
        text(row.changes(), "username"),
        text(row.value(), "password"),
    ));
    Err("only this receiver's".to_owned())
}

#[receiver(cat_post_create)]
fn no_dogs(cat: &Cat) -> Result<(), Veto> {
    note("the signal's own receiver");
    match &*cat.name {
        "Rex" => Err(Veto::new("no dogs")),
        _ => Ok(()),
    }
}

fn session() -> lback::Result<Session> {
    Ok(session_without_register()?.with_state(Register))
}

fn session_without_register() -> lback::Result<Session> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Actor("eve"));
    lback::sqlite::migrate(&mut session)?;
    for table in [
        "CREATE TABLE cats (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE counted (rows INTEGER NOT NULL)",
        "INSERT INTO counted VALUES (0)",
    ] {
        diesel::sql_query(table).execute(session.conn())?;
    }
    Ok(session)
}

/// One test, for all of it shares the trace.
#[test]
fn one_receiver_hears_every_entity() -> lback::Result<()> {
    let mut session = session()?;
    let tom = NewCat { name: "Tom".into() };
    let tom = Cats.create(&mut session, tom)?;
    assert_eq!(
        taken(),
        [
            "eve: cat_pre_create of cat ?",
            "the signal's own receiver",
            "eve: cat_post_create of cat 1",
            "a new cat, None",
        ]
    );

    let users = UserRepository::new();
    let ada = users.create(&mut session, new_user("ada"))?;
    let changes = UserChanges {
        username: Some("lovelace".into()),
        password: Some(cheap_password()),
        ..Default::default()
    };
    users.update(&mut session, &ada, changes)?;
    assert_eq!(
        taken(),
        [
            "eve: user_pre_create of user ?",
            "eve: user_post_create of user 1",
            "eve: user_pre_update of user 1",
            "eve: user_post_update of user 1",
            "\"ada\" -> \"lovelace\" by \"lovelace\", password \"***\"",
        ]
    );
    let failures = session.take_failures();
    assert_eq!(failures.count, 1, "{failures:?}");

    // A veto of the signal's own receiver, and the attempt is told.
    let rex = NewCat { name: "Rex".into() };
    assert!(Cats.create(&mut session, rex).is_err());
    assert_eq!(
        taken(),
        [
            "eve: cat_pre_create of cat ?",
            "the signal's own receiver",
            "attempted: cat",
        ]
    );

    // Muted, recorded and counted as any other.
    session.mute(audit, |session| {
        session.mute(any_post_create, |session| {
            Cats.create(session, NewCat { name: "Kim".into() })
        })
    })?;
    assert_eq!(taken(), ["the signal's own receiver"]);
    let (deleted, recording) = session.record(|session| Cats.delete(session, &tom));
    deleted?;
    recording.in_order().ran(audit).ran(audit);
    taken();
    let renamed = CatChanges {
        name: Some("Kimi".into()),
    };
    session.mute(values, |session| Cats.update(session, 2, renamed))?;
    assert_eq!(
        taken(),
        [
            "eve: cat_pre_update of cat 2",
            "eve: cat_post_update of cat 2",
        ]
    );

    // What one asks for whatever the row is missed before the statement. What another asks for under a
    // condition is not missed: nobody misses the kennel.
    let mut stranger = session_without_register()?;
    let pip = Cats.create(&mut stranger, NewCat { name: "Pip".into() })?;
    let log = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&log);
    stranger
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                if text.starts_with("DELETE") {
                    kept.lock().unwrap().push(text);
                }
            }
        });
    let refused = Cats.delete(&mut stranger, &pip);
    assert!(
        matches!(refused, Err(lback::Error::StateMissing { .. })),
        "{refused:?}"
    );
    assert_eq!(*log.lock().unwrap(), [""; 0]);
    let mut stranger = stranger.with_state(Register);
    Cats.delete(&mut stranger, &pip)?;
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(taken().pop().as_deref(), Some("cat is struck out"));
    Ok(())
}

// What is expected and there is nothing to say of.
lback::expect_receivers![audit, "program::announce", "by.id"];
lback::expect_receivers!();

/// A signal for what follows.
#[signal(pre)]
struct Rang<'a> {
    by: &'a mut Vec<&'static str>,
}

/// Nobody listens to it.
#[signal]
struct Unheard {
    _nothing: (),
}

#[receiver(rang, id = "by.id", before = elsewhere)]
fn first(by: &mut Vec<&'static str>) {
    by.push("first");
}

#[receiver(cat_post_create)]
fn elsewhere() {}

#[test]
fn receivers_of_one_name_in_two_functions_are_two() -> lback::Result<()> {
    fn one() {
        #[receiver(rang)]
        fn hear(by: &mut Vec<&'static str>) {
            by.push("one");
        }
    }
    fn two() {
        #[receiver(rang)]
        fn hear(by: &mut Vec<&'static str>) {
            by.push("two");
        }
    }
    let _ = (one, two);
    let mut by = Vec::new();
    Rang { by: &mut by }.send()?;
    assert_eq!(by, ["first", "one", "two"]);
    Ok(())
}

#[test]
fn what_is_probably_a_mistake_is_listed() -> lback::Result<()> {
    let warnings = lback::verify().expect("nothing is wrong");
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].contains("`elsewhere`, which listens to none"),
        "{texts:?}"
    );

    let listeners = lback::receivers()?;
    assert!(listeners.unheard().any(|signal| signal.name() == "unheard"));
    assert!(!listeners.unheard().any(|signal| signal.name() == "rang"));
    let text = listeners.to_string();
    assert!(text.contains("nobody listens to "), "{text}");
    assert!(text.contains("program::unheard"), "{text}");
    assert!(
        !text.contains("lback::sqlite::users::user_pre_delete,"),
        "{text}"
    );
    Ok(())
}
