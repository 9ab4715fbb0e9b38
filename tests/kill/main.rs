//! A process that is killed at any moment leaves no effect for a row that is not there.
//!
//! This binary plays both parts: the test kills children of its own, which write users whose
//! after-commit effects go into a file outside the database, synced to the disk.

mod victim;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel::prelude::*;
use lback::schema::users;

use self::victim::{EFFECTS, ROWS_OF_A_TRANSACTION, Stage};

const KILLS: usize = 240;
/// Between the INSERT and the end of the effects.
const KILLS_IN_BETWEEN: usize = 20;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments[1..] {
        [part, folder, run] if part == "victim" => victim::run(Path::new(folder), run),
        [option, ..] if option == "--list" => println!("kill: test"),
        _ => no_effect_is_left_for_a_row_that_is_not_there(),
    }
}

fn no_effect_is_left_for_a_row_that_is_not_there() {
    let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
    let folder = folder.path();
    victim::prepare(folder);

    let (mut in_between, mut in_effects, mut delays) = (0, 0, Delays::new());
    for kill in 0..KILLS {
        let mut victim = spawn(folder, kill);
        std::thread::sleep(delays.next());
        victim.kill().expect("it is still there");
        victim.wait().expect("it is a child");
        match Stage::left_in(folder) {
            Stage::Between => {}
            Stage::Inserted => in_between += 1,
            Stage::InEffects => {
                in_between += 1;
                in_effects += 1;
            }
        }
        check(folder, kill + 1);
    }

    let (rows, effects) = (stored(folder), effects(folder));
    println!(
        "{KILLS} kills, {in_between} of them between INSERT and the end of the effects, \
         {in_effects} of those in the effects; {} rows, {} effects, {} rows without theirs",
        rows.len(),
        effects.len(),
        rows.difference(&effects).count()
    );
    assert!(in_between >= KILLS_IN_BETWEEN, "too few kills in between");
    assert!(effects.len() >= KILLS_IN_BETWEEN, "too little happened");
}

fn spawn(folder: &Path, run: usize) -> Child {
    let this = std::env::current_exe().expect("a program knows where it is");
    let mut victim = Command::new(this)
        .arg("victim")
        .arg(folder)
        .arg(run.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let mut ready = String::new();
    let output = victim.stdout.take().expect("it is piped");
    BufReader::new(output)
        .read_line(&mut ready)
        .expect("it says that it is ready");
    assert_eq!(ready, "ready\n");
    victim
}

fn check(folder: &Path, kills: usize) {
    let (rows, effects) = (stored(folder), effects(folder));
    let unfounded: Vec<_> = effects.difference(&rows).collect();
    assert!(
        unfounded.is_empty(),
        "effects without a row after {kills} kills: {unfounded:?}"
    );
    // Only a kill may cost an effect, and only those of the transaction at hand.
    let missing = rows.difference(&effects).count();
    assert!(
        missing <= kills * ROWS_OF_A_TRANSACTION,
        "{missing} rows without their effect after {kills} kills"
    );
}

fn stored(folder: &Path) -> BTreeSet<String> {
    let mut session = victim::session(folder);
    let names: Vec<String> = users::table
        .select(users::username)
        .load(session.conn())
        .expect("the database is sound");
    names.into_iter().collect()
}

fn effects(folder: &Path) -> BTreeSet<String> {
    let mut text = String::new();
    std::fs::File::open(folder.join(EFFECTS))
        .and_then(|mut file| file.read_to_string(&mut text))
        .expect("it is there");
    let complete = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let names: Vec<_> = complete
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let all: BTreeSet<_> = names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(all.len(), names.len(), "an effect ran twice");
    all
}

/// Up to 50 milliseconds, by xorshift: some victims die in their first transaction, some later.
struct Delays(u64);

impl Delays {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(now.map_or(1, |now| u64::from(now.subsec_nanos()) | 1))
    }

    fn next(&mut self) -> Duration {
        // Marsaglia's.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % 50_000)
    }
}
