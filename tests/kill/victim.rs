//! Writes users until it is killed.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use lback::BoxError;
use lback::sqlite::{prelude::*, users::*};
use lback_tests::cheap_password;

lback_tests::own_users!(SqliteConnection);

/// What the effects of committed users write: a name a line.
pub(crate) const EFFECTS: &str = "effects";
/// How far the victim was: one letter.
const STAGE: &str = "stage";
pub(crate) const ROWS_OF_A_TRANSACTION: usize = 2;

/// Where a victim was when it died.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// Before an INSERT, or behind all effects.
    Between,
    Inserted,
    InEffects,
}

impl Stage {
    pub(crate) fn left_in(folder: &Path) -> Self {
        match std::fs::read(folder.join(STAGE)).as_deref() {
            Ok(b"i") => Self::Inserted,
            Ok(b"e") => Self::InEffects,
            _ => Self::Between,
        }
    }
}

struct Outside {
    effects: Mutex<File>,
    stage: Mutex<File>,
}

impl Outside {
    fn open(folder: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let mut effects = options.open(folder.join(EFFECTS))?;
        effects.seek(SeekFrom::End(0))?;
        // The one before may have died in the middle of a line.
        effects.write_all(b"\n")?;
        let outside = Self {
            effects: Mutex::new(effects),
            stage: Mutex::new(options.open(folder.join(STAGE))?),
        };
        outside.stage(Stage::Between)?;
        Ok(outside)
    }

    fn stage(&self, stage: Stage) -> std::io::Result<()> {
        let letter = match stage {
            Stage::Between => b"b",
            Stage::Inserted => b"i",
            Stage::InEffects => b"e",
        };
        let mut file = self.stage.lock().expect("nobody panics");
        file.seek(SeekFrom::Start(0))?;
        file.write_all(letter)
    }

    fn effect(&self, name: &str) -> std::io::Result<()> {
        let mut file = self.effects.lock().expect("nobody panics");
        file.write_all(format!("{name}\n").as_bytes())?;
        file.sync_all()
    }
}

#[receiver(user_post_create)]
fn inserted(#[state] outside: &Outside) -> std::io::Result<()> {
    outside.stage(Stage::Inserted)
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] outside: &Outside) -> std::io::Result<()> {
    outside.stage(Stage::InEffects)?;
    outside.effect(&user.username)
}

pub(crate) fn session(folder: &Path) -> Session {
    let file = folder.join("test.db");
    lback::sqlite::connect(&file.to_string_lossy()).expect("the database can be opened")
}

pub(crate) fn prepare(folder: &Path) {
    lback::sqlite::migrate(&mut session(folder)).expect("an empty database can be migrated");
    File::create(folder.join(EFFECTS)).expect("the folder is ours");
}

pub(crate) fn run(folder: &Path, run: &str) {
    let outside = Outside::open(folder).expect("the folder is ours");
    let mut session = session(folder).with_state(outside);
    // Every other one keeps what was there before in a journal, and not what comes in a log.
    if run.parse::<u32>().is_ok_and(|run| run % 2 == 1) {
        diesel::sql_query("PRAGMA journal_mode = DELETE")
            .execute(session.conn())
            .expect("nobody else is here");
    }
    let password = cheap_password();
    println!("ready");
    for number in 0_u32.. {
        write(&mut session, &format!("r{run}n{number}"), &password).expect("only a kill ends it");
        session.take_failures().assert_none();
        let outside: &Outside = session.state().expect("it was put in");
        outside.stage(Stage::Between).expect("the folder is ours");
    }
}

/// Two users that last together, one that lasts by itself, one in a savepoint that does not, and one in
/// a transaction that does not.
fn write(session: &mut Session, name: &str, password: &Password) -> Result<(), BoxError> {
    let user = |which: &str| {
        let name = format!("{name}.{which}");
        let email = format!("{name}@example.com");
        NewUser::with_password(name, email, password.clone())
    };
    session.transaction(|session| {
        Users.create(session, user("first"))?;
        let undone: Result<(), BoxError> = session.transaction(|session| {
            Users.create(session, user("undone"))?;
            Err("planned".into())
        });
        assert!(undone.is_err());
        Users.create(session, user("second"))?;
        Ok::<_, BoxError>(())
    })?;
    Users.create(session, user("alone"))?;
    let undone: Result<(), BoxError> = session.transaction(|session| {
        Users.create(session, user("never"))?;
        Err("planned".into())
    });
    assert!(undone.is_err());
    Ok(())
}
