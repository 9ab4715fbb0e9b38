//! One file a promise.

mod every_answer_is_true_whichever_call_to_the_disk_fails;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use lback::sqlite::{prelude::*, users::*};
use lback_tests::trial::{Program, SEEDS, Seen, Told, World, judge};
use lback_tests::{Notes, Trace, new_user};
use lback_tests_disk::{Disk, Fault, Lasting};
use tempfile::TempDir;

lback_tests::trial_repositories!(SqliteConnection);

/// How SQLite keeps what was there before, for a rollback.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Journal {
    /// As `lback::sqlite::connect` sets it.
    Wal,
    /// A file beside the database, whose deletion is the commit.
    Delete,
    /// The same, with a cache so small that pages are written long before the commit.
    DeleteWithoutCache,
}

/// A database that each run finds as it was.
pub(crate) struct Bench {
    disk: Disk,
    journal: Journal,
    folder: TempDir,
    seeds: BTreeMap<&'static str, UserId>,
}

const FILE: &str = "test.db";

impl Bench {
    pub(crate) fn new(journal: Journal) -> Self {
        let folder = folder();
        let template = folder.path().join("template.db");
        let mut session = lback::sqlite::connect(&template.to_string_lossy()).expect("a new file");
        lback::sqlite::migrate(&mut session).expect("an empty database");
        let mut seeds = BTreeMap::new();
        for name in SEEDS {
            let user = nobody::Users
                .create(&mut session, new_user(name))
                .expect("nothing fails yet");
            seeds.insert(name, user.id);
        }
        let conn = session.conn();
        conn.batch_execute(
            "CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, what TEXT NOT NULL);",
        )
        .expect("the table is new");
        if !matches!(journal, Journal::Wal) {
            conn.batch_execute("PRAGMA journal_mode = DELETE;")
                .expect("nobody else is here");
        }
        drop(session);
        Self {
            disk: Disk::new(),
            journal,
            folder,
            seeds,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("run").join(FILE)
    }

    /// A session on a fresh copy, on the disk that can fail.
    fn session(&self) -> (Session, Trace) {
        let run = self.folder.path().join("run");
        let _ = std::fs::remove_dir_all(&run);
        std::fs::create_dir(&run).expect("the folder is ours");
        std::fs::copy(self.folder.path().join("template.db"), self.file())
            .expect("the folder is ours");
        let trace = Trace::new();
        let mut session = lback::sqlite::connect(&self.disk.url(&self.file()))
            .expect("nothing fails yet")
            .with_state(trace.clone());
        let settings = match self.journal {
            Journal::Wal => "PRAGMA synchronous = FULL;",
            Journal::Delete => "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;",
            Journal::DeleteWithoutCache => {
                "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA cache_size = 1;"
            }
        };
        session
            .conn()
            .batch_execute(settings)
            .expect("nothing fails yet");
        (session, trace)
    }

    /// Runs a program with one fault, and judges what was said. `None` where the program is over
    /// before the fault has struck.
    pub(crate) fn run(
        &self,
        program: &Program,
        number: u32,
        fault: Fault,
        lasting: Lasting,
    ) -> Option<Result<(), String>> {
        let (mut session, trace) = self.session();
        self.disk.break_at(number, fault, lasting);
        let told = run_trial(&mut session, &self.seeds, program);
        let struck = self.disk.repair()?;
        let failures = session.take_failures();
        let failures = failures.latest.len();
        let judged = self.examine(session, &told, trace.take(), failures, &trace);
        Some(judged.map_err(|lie| {
            format!(
                "call {number}, {struck}: {lie}\n  answers: {:#?}",
                told.answers
            )
        }))
    }

    fn examine(
        &self,
        mut session: Session,
        told: &Told,
        trace: Vec<String>,
        failures: usize,
        later: &Trace,
    ) -> Result<(), String> {
        let mut reader = plain(&self.file());
        let seen = Seen {
            world: world(&mut reader),
            trace,
            failures,
        };
        judge(told, &seen)?;
        if let Some(world) = self.crashed() {
            let crashed = Seen { world, ..seen };
            judge(told, &crashed).map_err(|lie| format!("after a crash: {lie}"))?;
        }

        let again = effects::Users.create(&mut session, new_user("afterwards"));
        let trace = later.take();
        let is_stored = world(&mut reader).users.contains_key("afterwards");
        match again {
            Ok(_) if !is_stored => return Err("afterwards: Ok, and not stored".to_owned()),
            Ok(_) if trace != ["created afterwards"] => {
                return Err(format!("afterwards, effects ran: {trace:?}"));
            }
            Err(_) if is_stored => return Err("afterwards: Err, and stored".to_owned()),
            Ok(_) | Err(lback::Error::SessionBroken) => {}
            Err(error) => return Err(format!("the session neither works nor is broken: {error}")),
        }
        drop(session);
        reader
            .batch_execute("BEGIN IMMEDIATE; COMMIT")
            .map_err(|error| format!("a lock is left: {error}"))
    }

    /// As a power failure would leave it: without the memory that connections share, and with no
    /// connection that knows what was meant. `None` where there is nothing but the database itself.
    fn crashed(&self) -> Option<World> {
        let (run, copy) = (
            self.folder.path().join("run"),
            self.folder.path().join("crashed"),
        );
        let files: Vec<_> = std::fs::read_dir(run)
            .expect("it is there")
            .map(|entry| entry.expect("it is there").path())
            .filter(|file| !file.to_string_lossy().ends_with("-shm"))
            .collect();
        if files.len() == 1 {
            return None;
        }
        let _ = std::fs::remove_dir_all(&copy);
        std::fs::create_dir(&copy).expect("the folder is ours");
        for file in files {
            let name = file.file_name().expect("it has a name").to_owned();
            std::fs::copy(&file, copy.join(name)).expect("the folder is ours");
        }
        Some(world(&mut plain(&copy.join(FILE))))
    }
}

/// A connection on the disk that never fails, with no setting of ours.
fn plain(file: &Path) -> SqliteConnection {
    let mut conn =
        SqliteConnection::establish(&file.to_string_lossy()).expect("nothing fails any more");
    conn.batch_execute("PRAGMA synchronous = OFF")
        .expect("a known pragma");
    conn
}

fn world(conn: &mut SqliteConnection) -> World {
    let users: Vec<(String, bool)> = users::table
        .select((users::username, users::is_active))
        .load(conn)
        .expect("nothing fails any more");
    let mut notes = conn.read_notes().expect("nothing fails any more");
    notes.sort();
    World {
        users: users.into_iter().collect(),
        notes,
    }
}

/// In memory where there is such a folder: nothing here is about a disk that is slow.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    folder.expect("the folder for temporary files can be written")
}
