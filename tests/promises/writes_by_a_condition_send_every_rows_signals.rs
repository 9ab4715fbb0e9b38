//! `update_where` and `delete_where` take any condition on the table and send every row's signals; two
//! that meet wait for each other, in whatever order they find the rows. `find_by` and `update_by` are
//! about one row, and "delete if it is there" is no error.

use std::sync::Barrier;

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    tasks (id) {
        id -> Integer,
        place -> Integer,
        name -> VarChar,
        is_done -> Bool,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = tasks)]
pub struct Task {
    pub id: i32,
    pub place: i32,
    pub name: String,
    pub is_done: bool,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = tasks)]
pub struct NewTask {
    pub id: i32,
    pub place: i32,
    pub name: String,
    pub is_done: bool,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = tasks)]
pub struct TaskChanges {
    pub place: Option<i32>,
    pub name: Option<String>,
    pub is_done: Option<bool>,
}

impl Validate for NewTask {}

impl Validate for TaskChanges {
    fn validate(&mut self) -> Result<(), lback::Invalid> {
        match self.name.as_deref() {
            Some("") => Err(lback::Invalid::new("name", "empty")),
            _ => Ok(()),
        }
    }
}

own_repository!(Tasks: entity = Task, table = tasks, insert = NewTask, update = TaskChanges, given_key = id);

mod silent {
    use super::*;
    own_repository!(Tasks: entity = Task, table = tasks, insert = NewTask, update = TaskChanges, given_key = id, shared_entity);
}

#[receiver(task_pre_update)]
fn about_to_update(task: &Task, update_data: &mut TaskChanges) -> Result<(), Veto> {
    match &*task.name {
        "kept" => return Err(Veto::new("this one stays")),
        "own" => update_data.place = Some(1000),
        _ => {}
    }
    Ok(())
}

#[receiver(task_post_update)]
fn updated(task: &Task, previous: &Task, #[state] trace: &Trace) {
    trace.note(format!(
        "{} {}->{}",
        task.id, previous.is_done, task.is_done
    ));
}

#[receiver(task_post_delete)]
fn deleted(task_id: i32, #[state] trace: &Trace) {
    trace.note(format!("gone {task_id}"));
}

fn opened(rows: i32) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let table = "CREATE TABLE tasks (id INTEGER NOT NULL PRIMARY KEY, place INTEGER NOT NULL, \
                 name VARCHAR(20) NOT NULL, is_done BOOLEAN NOT NULL)";
    database.connection().batch_execute(table).unwrap();
    let index = "CREATE INDEX by_place ON tasks (place)";
    database.connection().batch_execute(index).unwrap();
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let tasks = (1..=rows).map(|id| NewTask {
        id,
        place: -id,
        name: format!("task {id}"),
        is_done: false,
    });
    Tasks.create_many(&mut session, tasks).unwrap();
    Some((database, session, trace))
}

fn done() -> TaskChanges {
    TaskChanges {
        is_done: Some(true),
        ..TaskChanges::default()
    }
}

fn named(name: &str) -> TaskChanges {
    TaskChanges {
        name: Some(name.into()),
        ..TaskChanges::default()
    }
}

macro_rules! answers {
    ($name:ident, $tasks:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, _trace)) = opened(6) else {
                return Ok(());
            };
            let session = &mut session;
            let open = tasks::is_done.eq(false);
            assert_eq!($tasks.update_where(session, tasks::id.le(2), done())?, 2);
            assert_eq!($tasks.update_where(session, tasks::id.gt(99), done())?, 0);
            let nothing = TaskChanges::default();
            assert_eq!($tasks.update_where(session, tasks::id.le(2), nothing)?, 0);
            assert_eq!($tasks.find_where(session, open)?.len(), 4);

            let boxed: Box<
                dyn BoxableExpression<
                        tasks::table,
                        <Native as diesel::Connection>::Backend,
                        SqlType = diesel::sql_types::Bool,
                    >,
            > = Box::new(tasks::id.eq(3).or(tasks::name.like("%4")));
            let found = $tasks.find_where(session, boxed)?;
            assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), [3, 4]);
            let others = diesel::alias!(tasks as others);
            let late = others.filter(others.field(tasks::place).lt(-4));
            let ids = late.select(others.field(tasks::id));
            assert_eq!($tasks.find_where(session, tasks::id.eq_any(ids))?.len(), 2);

            // Invalid changes change nothing, whoever listens.
            let invalid = $tasks.update_where(session, open, named(""));
            assert!(matches!(invalid, Err(Error::Invalid(_))), "{invalid:?}");

            // One row, by another column.
            let one = $tasks
                .find_by(session, tasks::name.eq("task 5"))?
                .expect("it is there");
            assert_eq!(one.id, 5);
            assert_eq!($tasks.find_by(session, tasks::name.eq("none"))?, None);
            let several = $tasks.find_by(session, open);
            assert!(
                matches!(several, Err(Error::Ambiguous { .. })),
                "{several:?}"
            );
            let one = $tasks.update_by(session, tasks::name.eq("task 5"), done())?;
            assert!(one.expect("it is there").is_done);
            assert_eq!(
                $tasks.update_by(session, tasks::name.eq("none"), done())?,
                None
            );
            let several = $tasks.update_by(session, tasks::is_done.eq(true), named("all"));
            assert!(
                matches!(several, Err(Error::Ambiguous { .. })),
                "{several:?}"
            );
            assert_eq!($tasks.find_by(session, tasks::name.eq("all"))?, None);

            // Gone or never there is no error, and spoils no transaction.
            session.transaction(|session| {
                assert!($tasks.delete_if_there(session, 6)?);
                assert!(!$tasks.delete_if_there(session, 6)?);
                lback::Result::Ok(())
            })?;
            assert_eq!($tasks.delete_where(session, tasks::is_done.eq(true))?, 3);
            assert_eq!($tasks.delete_where(session, tasks::is_done.eq(true))?, 0);
            assert_eq!($tasks.count(session)?, 2);
            Ok(())
        }
    };
}

answers!(unheard, silent::Tasks);
answers!(heard_by_somebody, Tasks);

#[test]
fn each_row_has_its_signals_and_changes_of_its_own() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened(4) else {
        return Ok(());
    };
    silent::Tasks.update(&mut session, 2, named("own"))?;
    let changed = Tasks.update_where(&mut session, tasks::id.ge(2), done())?;
    assert_eq!(changed, 3);
    assert_eq!(
        trace.take(),
        ["2 false->true", "3 false->true", "4 false->true"]
    );
    let own = Tasks.find(&mut session, 2)?.expect("it is there");
    assert_eq!(own.place, 1000);

    // One veto, and nothing has happened.
    silent::Tasks.update(&mut session, 3, named("kept"))?;
    let all = tasks::id.gt(0);
    let open = TaskChanges {
        is_done: Some(false),
        ..TaskChanges::default()
    };
    let vetoed = Tasks.update_where(&mut session, all, open);
    assert!(matches!(vetoed, Err(Error::Vetoed { .. })), "{vetoed:?}");
    let still = Tasks.find_where(&mut session, tasks::is_done.eq(true))?;
    assert_eq!(still.len(), 3);
    trace.take();

    assert_eq!(Tasks.delete_where(&mut session, all)?, 4);
    assert_eq!(trace.take(), ["gone 1", "gone 2", "gone 3", "gone 4"]);
    Ok(())
}

/// Both lock what they find by key, whichever index they find it by: nobody waits in a circle, and each
/// row is told of once.
#[test]
fn two_that_meet_wait_for_each_other() {
    for round in 0..6 {
        let Some((database, mut session, trace)) = opened(120) else {
            return;
        };
        let barrier = Barrier::new(2);
        let (one, other) = std::thread::scope(|scope| {
            let run = |from_below: bool| {
                let (database, barrier, trace) = (&database, &barrier, trace.clone());
                scope.spawn(move || {
                    let mut session = database.session().with_state(trace);
                    barrier.wait();
                    if from_below {
                        Tasks.delete_where(&mut session, tasks::id.le(80))
                    } else if round % 2 == 0 {
                        Tasks.delete_where(&mut session, tasks::place.le(-40))
                    } else {
                        let keys: Vec<_> = (40..=120).rev().collect();
                        Tasks.delete_where(&mut session, tasks::id.eq_any(keys))
                    }
                })
            };
            let (one, other) = (run(true), run(false));
            (one.join().unwrap(), other.join().unwrap())
        });
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one + other, 120, "{one} and {other}");
        assert_eq!(Tasks.count(&mut session).unwrap(), 0);
        let mut told = trace.take();
        assert_eq!(told.len(), 120);
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 120, "each row is told of once");
    }
}
