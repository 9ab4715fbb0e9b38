//! `create_or_update` and `create_if_absent`: the row is there afterwards, once, whoever else wants it at
//! the same time, and the signals are those of what happened.

use std::sync::Barrier;

use diesel::connection::SimpleConnection;
use lback::{Error, Upserted};
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    settings (id) {
        id -> BigInt,
        owner -> BigInt,
        name -> VarChar,
        value -> Integer,
        code -> Nullable<VarChar>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = settings)]
pub struct Setting {
    pub id: i64,
    pub owner: i64,
    pub name: String,
    pub value: i32,
    pub code: Option<String>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = settings)]
pub struct NewSetting {
    pub owner: i64,
    pub name: String,
    pub value: i32,
    pub code: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = settings)]
pub struct SettingChanges {
    pub value: Option<Set<i32>>,
}

impl Validate for NewSetting {}
impl Validate for SettingChanges {}

own_repository!(Settings: entity = Setting, table = settings, insert = NewSetting, update = SettingChanges);

mod silent {
    use super::*;
    own_repository!(Settings: entity = Setting, table = settings, insert = NewSetting, update = SettingChanges, shared_entity);
}

#[receiver(setting_pre_create)]
fn about_to_create(data: &NewSetting, session: &mut Session) -> Result<(), Veto> {
    let trace = session.state::<Trace>().cloned().expect("it was put in");
    trace.note("pre create");
    match data.value {
        13 => Err(Veto::new("not this one")),
        _ => Ok(()),
    }
}

#[receiver(setting_post_create)]
fn created(setting: &Setting, sender: &Settings, #[state] trace: &Trace) {
    let _ = sender;
    trace.note(format!("created {}", setting.value));
}

#[receiver(setting_post_update)]
fn updated(setting: &Setting, previous: &Setting, #[state] trace: &Trace) {
    trace.note(format!("{} -> {}", previous.value, setting.value));
}

#[receiver(setting_post_create, setting_post_update, after_commit)]
fn stored(setting: &Setting, #[state] trace: &Trace) {
    trace.note(format!("stored {}", setting.value));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let table = format!(
        "CREATE TABLE settings (id {MADE_KEY}, owner BIGINT NOT NULL, name VARCHAR(20) NOT NULL, \
         value INTEGER NOT NULL, code VARCHAR(20) UNIQUE, UNIQUE (owner, name))"
    );
    database.connection().batch_execute(&table).unwrap();
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn setting(value: i32) -> NewSetting {
    NewSetting {
        owner: 7,
        name: "size".into(),
        value,
        code: None,
    }
}

fn to(value: i32) -> SettingChanges {
    SettingChanges {
        value: Some(Set::to(value)),
    }
}

macro_rules! named {
    () => {
        settings::owner.eq(7).and(settings::name.eq("size"))
    };
}

macro_rules! answers {
    ($name:ident, $settings:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, _trace)) = opened() else {
                return Ok(());
            };
            let session = &mut session;
            let made = $settings.create_or_update(session, named!(), setting(1), to(2))?;
            assert!(made.is_created());
            assert_eq!(made.row().value, 1);
            let Upserted::Updated(row) =
                $settings.create_or_update(session, named!(), setting(1), to(2))?
            else {
                panic!("it was there");
            };
            assert_eq!(row.value, 2);
            // By its key, too.
            let again = $settings.create_or_update(session, row.id, setting(1), to(3))?;
            assert_eq!(again.into_row().value, 3);
            let found = $settings.create_if_absent(session, &row, setting(9))?;
            assert!(matches!(&found, Upserted::Found(row) if row.value == 3), "{found:?}");
            let absent = settings::owner.eq(8);
            let other = NewSetting { owner: 8, code: Some("x".into()), ..setting(4) };
            assert!($settings.create_if_absent(session, absent, other.clone())?.is_created());

            // A duplicate of something else is one.
            let refused = $settings.create_if_absent(
                session,
                settings::owner.eq(9),
                NewSetting { owner: 9, ..other },
            );
            let Err(Error::Duplicate { field, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(field.as_deref(), Some("code"));
            let several = $settings.create_or_update(
                session,
                settings::name.eq("size"),
                setting(1),
                to(5),
            );
            assert!(matches!(several, Err(Error::Ambiguous { .. })), "{several:?}");
            assert_eq!($settings.count(session)?, 2);

            // In the caller's transaction it stands or falls with that.
            let undone = session.transaction(|session| {
                $settings.create_or_update(session, named!(), setting(1), to(77))?;
                Err::<(), _>(super::refused())
            });
            assert!(undone.is_err());
            assert_eq!($settings.find_by(session, named!())?.map(|it| it.value), Some(3));
            Ok(())
        }
    };
}

answers!(unheard, silent::Settings);
answers!(heard_by_somebody, Settings);

#[test]
fn the_signals_are_those_of_what_happens() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened() else {
        return Ok(());
    };
    let vetoed = Settings.create_or_update(&mut session, named!(), setting(13), to(2));
    assert!(matches!(vetoed, Err(Error::Vetoed { .. })), "{vetoed:?}");
    assert_eq!(trace.take(), ["pre create"]);
    Settings.create_or_update(&mut session, named!(), setting(1), to(2))?;
    assert_eq!(trace.take(), ["pre create", "created 1", "stored 1"]);
    Settings.create_or_update(&mut session, named!(), setting(1), to(2))?;
    assert_eq!(trace.take(), ["1 -> 2", "stored 2"]);
    Settings.create_if_absent(&mut session, named!(), setting(1))?;
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

/// Each counts, and one alone creates the row.
#[test]
fn whoever_else_wants_it_at_the_same_time() {
    for is_inside in [false, true] {
        let Some((database, mut session, trace)) = opened() else {
            return;
        };
        // Inside of transactions of their own, three that lose may block each other on MySQL.
        let many = if is_inside { 2 } else { 4 };
        for round in 0..8 {
            let barrier = Barrier::new(many);
            let created: usize = std::thread::scope(|scope| {
                let each: Vec<_> = (0..many)
                    .map(|_| {
                        let (database, barrier, trace) = (&database, &barrier, trace.clone());
                        scope.spawn(move || {
                            let mut session = database.session().with_state(trace);
                            barrier.wait();
                            let named = settings::owner.eq(round);
                            let data = NewSetting {
                                owner: round,
                                ..setting(1)
                            };
                            let more = SettingChanges {
                                value: Some(Set::plus(settings::value, 1)),
                            };
                            if is_inside {
                                session.transaction(|session| {
                                    Settings.create_or_update(session, named, data, more)
                                })
                            } else {
                                Settings.create_or_update(&mut session, named, data, more)
                            }
                        })
                    })
                    .collect();
                let done = each.into_iter().map(|it| it.join().unwrap().unwrap());
                done.filter(Upserted::is_created).count()
            });
            assert_eq!(created, 1);
            let rows = Settings
                .find_where(&mut session, settings::owner.eq(round))
                .unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].value, i32::try_from(many).unwrap(), "each counts");
            let told = trace.take();
            let stored = told.iter().filter(|it| it.starts_with("stored")).count();
            assert_eq!(stored, many, "{told:?}");
        }
    }
}
