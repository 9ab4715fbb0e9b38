//! The processes that are killed and stopped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::desk::Chance;

/// What each place plays, now by the older program and now by the newer one: it writes, delivers, or both.
const PARTS: [&str; 5] = ["write", "deliver", "both", "deliver", "both"];

/// No more at once: somebody has to take over.
const STOPPED_AT_ONCE: usize = 2;

struct Victim {
    process: Child,
    /// Until when it is stopped.
    until: Option<Instant>,
}

pub(crate) struct Victims<'a> {
    database: &'a str,
    url: &'a str,
    folder: &'a Path,
    chance: Chance,
    all: Vec<Victim>,
    begun: u32,
    pub(crate) killed: u32,
    stopped: u32,
}

impl<'a> Victims<'a> {
    pub(crate) fn new(database: &'a str, url: &'a str, folder: &'a Path) -> Self {
        let mut victims = Self {
            database,
            url,
            folder,
            chance: Chance::new(),
            all: Vec::new(),
            begun: 0,
            killed: 0,
            stopped: 0,
        };
        for part in PARTS {
            let victim = victims.begin(part);
            victims.all.push(victim);
        }
        victims
    }

    /// A moment later, one is killed, or stopped until its leases are over.
    pub(crate) fn disturb(&mut self) {
        std::thread::sleep(Duration::from_micros(self.chance.below(60_000)));
        for victim in &mut self.all {
            if victim.until.is_some_and(|until| until < Instant::now()) {
                signal("CONT", &victim.process);
                victim.until = None;
            }
        }
        let running: Vec<_> = (0..self.all.len())
            .filter(|&place| self.all[place].until.is_none())
            .collect();
        let place = running[self.chance.below(running.len() as u64) as usize];
        let are_few = self.all.len() - running.len() < STOPPED_AT_ONCE;
        if are_few && self.chance.is(8) {
            // A lease is a second.
            let pause = Duration::from_millis(1_100 + self.chance.below(1_200));
            signal("STOP", &self.all[place].process);
            self.all[place].until = Some(Instant::now() + pause);
            self.stopped += 1;
        } else {
            kill(&mut self.all[place].process);
            self.killed += 1;
            self.all[place] = self.begin(PARTS[place]);
        }
    }

    /// Kills them all. Says how many were killed and stopped.
    pub(crate) fn end(mut self) -> String {
        for victim in &mut self.all {
            kill(&mut victim.process);
            self.killed += 1;
        }
        format!("{} kills, {} stops", self.killed, self.stopped)
    }

    fn begin(&mut self, part: &str) -> Victim {
        self.begun += 1;
        let newer = std::env::current_exe().expect("a program knows where it is");
        let older = Path::new(env!("CARGO_BIN_EXE_older"));
        let program = if self.chance.is(50) { older } else { &newer };
        let mut process = Command::new(program)
            .args(["play", self.database, part, self.url])
            .arg(self.folder)
            .arg(self.begun.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let output = process.stdout.take().expect("it is piped");
        let mut ready = String::new();
        let told = BufReader::new(output).read_line(&mut ready);
        told.expect("it says that it is ready");
        assert_eq!(ready, "ready\n");
        Victim {
            process,
            until: None,
        }
    }
}

impl Drop for Victims<'_> {
    fn drop(&mut self) {
        for victim in &mut self.all {
            let _ = victim.process.kill();
        }
    }
}

fn kill(process: &mut Child) {
    // One that has ended by itself has failed.
    let ended = process.try_wait().expect("it is a child");
    assert!(ended.is_none(), "a victim has given up: {ended:?}");
    process.kill().expect("it is still there");
    process.wait().expect("it is a child");
}

/// The standard library sends none but SIGKILL.
fn signal(name: &str, process: &Child) {
    let command = format!("kill -{name} {}", process.id());
    let sent = Command::new("sh").args(["-c", &command]).status();
    assert!(sent.expect("there is a shell").success());
}
