//! Whether what was said is true.

use super::program::Hearers;
use super::world::{Told, World};

/// What is really there once nothing fails any more.
#[derive(Debug)]
pub struct Seen {
    /// The rows, as another connection reads them.
    pub world: World,
    /// What effects noted.
    pub trace: Vec<String>,
    /// How many failures were kept that no caller saw.
    pub failures: usize,
}

/// Compares what was said with what is there.
///
/// # Errors
///
/// The first lie.
pub fn judge(told: &Told, seen: &Seen) -> Result<(), String> {
    rows(told, seen)?;
    let (writes, effects) = split(&seen.trace, |note| note.contains(": "));
    writes_of_effects(&writes, &seen.world)?;
    let (laments, effects) = split(&effects, |note| note.starts_with("not "));
    if sorted(&effects) != sorted(&told.effects) {
        return Err(format!(
            "after-commit effects that had to run: {:?}; that ran: {effects:?}",
            told.effects
        ));
    }
    let unfounded = without(
        &laments,
        &[&told.laments[..], &told.possible_laments].concat(),
    );
    if !unfounded.is_empty() {
        return Err(format!(
            "after-rollback effects that had no reason: {unfounded:?}"
        ));
    }
    let missing = without(&told.laments, &laments);
    if !missing.is_empty() {
        return Err(format!(
            "after-rollback effects that did not run: {missing:?}"
        ));
    }
    Ok(())
}

fn rows(told: &Told, seen: &Seen) -> Result<(), String> {
    let (_, notes) = split(&seen.world.notes, |note| note.starts_with("after "));
    let fits = |world: &World| {
        // A failure that was kept explains one note that is missing, but none that is too many.
        let missing = without(&world.notes, &notes);
        let explained = told.hearers == Hearers::Isolated
            && missing.len() <= seen.failures
            && missing.iter().all(|note| note.starts_with("isolated "));
        world.users == seen.world.users
            && without(&notes, &world.notes).is_empty()
            && (missing.is_empty() || explained)
    };
    if told.worlds.iter().any(fits) {
        return Ok(());
    }
    Err(format!(
        "said to be stored: {:?}; stored: {:?}",
        told.worlds, seen.world
    ))
}

/// What an effect writes is stored in a transaction of its own, and it noted what it was told.
fn writes_of_effects(writes: &[String], world: &World) -> Result<(), String> {
    let (stored, _) = split(&world.notes, |note| note.starts_with("after "));
    for write in writes {
        let (answer, what) = write.split_once(": ").unwrap_or_default();
        let is_stored = stored.iter().any(|note| note == what);
        if (answer == "stored" && !is_stored) || (answer == "failed" && is_stored) {
            return Err(format!(
                "an effect was told {answer}, of {what:?}: {stored:?}"
            ));
        }
    }
    match stored.iter().find(|note| {
        !writes
            .iter()
            .any(|write| write.ends_with(&format!(": {note}")))
    }) {
        Some(note) => Err(format!("{note:?} is stored, and no effect wrote it")),
        None => Ok(()),
    }
}

fn split(notes: &[String], is: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    notes.iter().cloned().partition(|note| is(note))
}

fn sorted(notes: &[String]) -> Vec<&String> {
    let mut sorted: Vec<_> = notes.iter().collect();
    sorted.sort();
    sorted
}

/// What `notes` has more of than `others`.
fn without(notes: &[String], others: &[String]) -> Vec<String> {
    let mut others: Vec<_> = others.iter().collect();
    let mut left = Vec::new();
    for note in notes {
        match others.iter().position(|other| *other == note) {
            Some(at) => drop(others.remove(at)),
            None => left.push(note.clone()),
        }
    }
    left
}
