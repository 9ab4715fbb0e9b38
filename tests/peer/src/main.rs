//! lback's side of `tests/peer/compare`: the protocol is that of `sides/protocol.py`.

mod dispatch;
mod operation;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use lback::sqlite::Session;

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    let folder = std::env::args_os().nth(1).ok_or("a folder is needed")?;
    let mut places = Places::new(Path::new(&folder))?;
    for line in stdin().lock().lines() {
        let answer = answer(&mut places, &line?)?;
        println!("{answer}");
        stdout().flush()?;
    }
    Ok(())
}

fn answer(places: &mut Places, line: &str) -> Answer<String> {
    match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
        ["about"] => {
            let version = places.query("memory", "SELECT sqlite_version()")?;
            Ok(format!(
                "lback {}, SQLite {version}",
                env!("CARGO_PKG_VERSION")
            ))
        }
        ["query", place, statement] => places.query(place, statement),
        [work, receivers, rest] => {
            let (place, count) = rest.split_once(' ').ok_or("a place and a count")?;
            let (receivers, count) = (receivers.parse()?, count.parse()?);
            CALLS.store(0, Relaxed);
            let time = match work {
                "dispatch" => dispatch::run(places.at("memory")?, receivers, count)?,
                _ => operation::run(work, places.at(place)?, receivers, count)?,
            };
            Ok(format!("{} {}", time.as_nanos(), CALLS.load(Relaxed)))
        }
        _ => Err(format!("not understood: {line}").into()),
    }
}

/// One session on a database in memory, and one on a file: each with the table `users`.
struct Places {
    memory: Session,
    file: Session,
}

impl Places {
    fn new(folder: &Path) -> Answer<Self> {
        let file: PathBuf = folder.join("lback.sqlite3");
        let mut places = Self {
            memory: lback::sqlite::connect(":memory:")?,
            file: lback::sqlite::connect(file.to_str().ok_or("the folder's name is not UTF-8")?)?,
        };
        lback::sqlite::migrate(&mut places.memory)?;
        lback::sqlite::migrate(&mut places.file)?;
        Ok(places)
    }

    fn at(&mut self, place: &str) -> Answer<&mut Session> {
        match place {
            "memory" => Ok(&mut self.memory),
            "file" => Ok(&mut self.file),
            _ => Err(format!("no such place: {place}").into()),
        }
    }

    fn query(&mut self, place: &str, statement: &str) -> Answer<String> {
        let conn = self.at(place)?.conn();
        Ok(diesel::select(sql::<Text>(&format!("({statement})"))).get_result(conn)?)
    }
}

static CALLS: AtomicU64 = AtomicU64::new(0);

/// What every receiver does, on each side: count that it was called.
fn count_call() {
    // One thread: no locked instruction, which the other sides do not have either.
    CALLS.store(CALLS.load(Relaxed) + 1, Relaxed);
}

fn timed(work: impl FnOnce() -> lback::Result<()>) -> Answer<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}
