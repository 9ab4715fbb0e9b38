//! What lies outside of the database: a file of what was told, and chance.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lback::BoxError;
use lback::outbox::{Delivery, Snooze};

use crate::form;

const FILE: &str = "told";

/// A state of the receivers.
pub(crate) struct Desk {
    file: Mutex<File>,
    /// Without it, nothing fails.
    chance: Option<Mutex<Chance>>,
}

impl Desk {
    pub(crate) fn open(folder: &Path, is_calm: bool) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(FILE));
        Self {
            file: Mutex::new(file.expect("the folder is ours")),
            chance: (!is_calm).then(|| Mutex::new(Chance::new())),
        }
    }

    /// A line, by one call of the system, so that lines of two processes do not mix.
    pub(crate) fn tell(
        &self,
        receiver: &str,
        name: &str,
        count: i32,
        delivery: &Delivery,
    ) -> std::io::Result<()> {
        let line = format!(
            "{receiver} {name} {count} {} {}\n",
            delivery.id,
            form::VERSION
        );
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
    }

    /// Takes a moment, and fails now and then: before or after what it is about.
    pub(crate) fn may_fail(&self) -> Result<(), BoxError> {
        let Some(chance) = &self.chance else {
            return Ok(());
        };
        let (pause, fate) = {
            let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
            (chance.below(1_500), chance.below(100))
        };
        std::thread::sleep(Duration::from_micros(pause));
        match fate {
            0..2 => Err("by chance".into()),
            2..3 => Err(Snooze(Duration::from_millis(300)).into()),
            3 => panic!("by chance"),
            _ => Ok(()),
        }
    }
}

/// What was told to a receiver about an account and its count.
#[derive(Default)]
pub(crate) struct Told {
    /// In the order in which each was told first: by receiver and account, the counts.
    pub(crate) order: BTreeMap<(String, String), Vec<i32>>,
    ids: BTreeMap<(String, String, i32), String>,
    pub(crate) again: usize,
    /// How many came from an older program to a newer one.
    pub(crate) upcast: usize,
}

impl Told {
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join(FILE)).expect("it is there");
        let mut told = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let [receiver, name, count, id, version] = words[..] else {
                panic!("a line that nobody wrote: {line:?}");
            };
            let count: i32 = count.parse().expect("a number");
            match (name.get(..2), version) {
                (Some("v2"), "1") => panic!("an older program was given a newer row: {line}"),
                (Some("v1"), "2") => told.upcast += 1,
                _ => {}
            }
            let key = (receiver.to_owned(), name.to_owned(), count);
            if let Some(before) = told.ids.get(&key) {
                assert_eq!(before, id, "the id of a delivery has changed: {key:?}");
                told.again += 1;
                continue;
            }
            let (receiver, name) = (key.0.clone(), key.1.clone());
            told.ids.insert(key, id.to_owned());
            told.order.entry((receiver, name)).or_default().push(count);
        }
        told
    }
}

/// Marsaglia's xorshift.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(1, |now| now.as_nanos() as u64);
        Self((now ^ u64::from(std::process::id()).rotate_left(40)) | 1)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % most
    }

    /// Of a hundred times, so many.
    pub(crate) fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
