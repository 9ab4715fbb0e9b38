//! A disk that is really full: what was reported stored is stored, nothing else is, and effects ran
//! exactly for what is stored.
//!
//! This binary plays both parts, as `tests/kill` does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use lback::Error;
use lback::sqlite::{prelude::*, users::*};
use lback_tests::{Trace, cheap_password};

lback_tests::own_users!(SqliteConnection);

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(user.username.clone());
}

#[receiver(user_pre_create, after_rollback)]
fn not_created(data: &NewUser, #[state] trace: &Trace) {
    trace.note(format!("not {}", data.username));
}

/// How users are created.
const WAYS: [&str; 4] = [
    "alone",
    "in transactions",
    "in nested transactions",
    "in bulk",
];
const JOURNALS: [&str; 2] = ["WAL", "DELETE"];
/// What is full: the shell bounds how large a file may grow, and SQLite takes that for an error of the
/// disk; or SQLite itself bounds how many pages a database may have.
const BOUNDS: [&str; 2] = ["file", "database"];

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments[1..] {
        [part, folder, way, journal, bound] if part == "victim" => {
            fill_the_disk(Path::new(folder), way, journal, bound);
        }
        [option, ..] if option == "--list" => println!("full_disk: test"),
        _ if !cfg!(unix) => println!("left out: the bound is set by a shell"),
        _ => {
            for way in WAYS {
                for journal in JOURNALS {
                    for bound in BOUNDS {
                        run(way, journal, bound);
                    }
                }
            }
        }
    }
}

fn run(way: &str, journal: &str, bound: &str) {
    let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
    // Half a KiB each, or a whole one in some shells. The signal would end the victim.
    let limit = if bound == "file" { "160" } else { "unlimited" };
    // What it says comes through pipes: the bound holds for every file that the victim writes, and the
    // standard output may be a file, such as the log of these tests.
    let victim = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\""
        ))
        .arg(std::env::current_exe().expect("a program knows where it is"))
        .args(["victim", &folder.path().to_string_lossy()])
        .args([way, journal, bound])
        .output()
        .expect("there is a shell");
    print!("{}", String::from_utf8_lossy(&victim.stdout));
    assert!(
        victim.status.success(),
        "{way}, {journal}, {bound}: it did not get through ({}):\n{}",
        victim.status,
        String::from_utf8_lossy(&victim.stderr)
    );
}

fn fill_the_disk(folder: &Path, way: &str, journal: &str, bound: &str) {
    let file = folder.join("test.db");
    let file = file.to_string_lossy();
    let trace = Trace::new();
    let mut session = lback::sqlite::connect(&file)
        .expect("the database can be opened")
        .with_state(trace.clone());
    lback::sqlite::migrate(&mut session).expect("there is still room");
    // Nothing crashes here.
    set(&mut session, "synchronous = OFF");
    set(&mut session, &format!("journal_mode = {journal}"));
    if bound == "database" {
        set(&mut session, "max_page_count = 16");
    }

    let (mut said, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    let mut failed = 0;
    for number in 0..600 {
        let names: Vec<_> = ["first", "second"]
            .map(|which| format!("{which} {number}"))
            .into();
        let result = create(&mut session, way, &names);
        let names = names.into_iter().take(if way == "alone" { 1 } else { 2 });
        match result {
            Ok(()) => said.extend(names),
            // What the shell refuses is an error of the disk, and at COMMIT nobody knows what of it
            // a crash would bring back.
            Err(Error::CommitUnknown { .. }) => unknown.extend(names),
            Err(Error::SessionBroken) => panic!("a full disk does not break a session"),
            Err(_) => failed += 1,
        }
    }

    let notes = trace.take();
    let (laments, effects): (Vec<_>, Vec<_>) =
        notes.into_iter().partition(|note| note.starts_with("not "));
    let mut other = SqliteConnection::establish(&file).expect("the database can be opened");
    let stored: Vec<String> = users::table
        .select(users::username)
        .load(&mut other)
        .expect("the database is sound");
    let stored: BTreeSet<_> = stored.into_iter().collect();
    println!(
        "{way}, {journal}, {bound}: {} said to be stored, {} unknown, {failed} failed; {} stored",
        said.len(),
        unknown.len(),
        stored.len()
    );
    assert!(!said.is_empty(), "it was full at once");
    assert!(failed + unknown.len() > 0, "it was never full");
    assert!(said.is_subset(&stored), "said to be stored, and is not");
    assert!(
        stored
            .iter()
            .all(|name| said.contains(name) || unknown.contains(name)),
        "stored, and said to have failed"
    );
    let times = effects.len();
    assert_eq!(BTreeSet::from_iter(effects), said);
    assert_eq!(times, said.len(), "an effect ran twice");
    for lament in &laments {
        let name = lament.trim_start_matches("not ");
        assert!(
            !stored.contains(name),
            "{name} was reported not to be stored"
        );
    }

    if bound == "database" {
        assert!(unknown.is_empty(), "SQLite knows what was stored");
        assert!(!laments.is_empty(), "after-rollback effects ran too");
        set(&mut session, "max_page_count = 400");
        let names = ["afterwards".to_owned(), "and once more".to_owned()];
        create(&mut session, way, &names).expect("there is room again");
    }
}

fn set(session: &mut Session, pragma: &str) {
    diesel::sql_query(format!("PRAGMA {pragma}"))
        .execute(session.conn())
        .expect("a known pragma");
}

fn create(session: &mut Session, way: &str, names: &[String]) -> lback::Result<()> {
    let users = names.iter().map(|name| {
        let email = format!("{}@example.com", name.replace(' ', "."));
        NewUser::with_password(name.clone(), email, cheap_password())
    });
    let mut users: Vec<_> = users.collect();
    match way {
        "alone" => Users.create(session, users.swap_remove(0)).map(drop),
        "in bulk" => Users.create_many(session, users).map(drop),
        "in transactions" => session.transaction(|session| {
            users
                .into_iter()
                .try_for_each(|user| Users.create(session, user).map(drop))
        }),
        _ => session.transaction(|session| {
            users.into_iter().try_for_each(|user| {
                session.transaction(|session| Users.create(session, user).map(drop))
            })
        }),
    }
}
