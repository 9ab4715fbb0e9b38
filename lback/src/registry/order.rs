//! The order of a signal's receivers: total, and no work of the linker.

use std::any::TypeId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use super::Listing;
use crate::error::{Problem, Warning};
use crate::receiver::Registration;

type Receivers = Vec<&'static Registration>;

/// Reports receivers of one signal that share an id.
pub(super) fn equal_ids(listing: &Listing, problems: &mut Vec<Problem>) {
    let mut ids = HashSet::with_capacity(listing.receivers.len());
    if listing
        .receivers
        .iter()
        .all(|receiver| ids.insert(receiver.id))
    {
        return;
    }
    let mut by_id: BTreeMap<&str, Receivers> = BTreeMap::new();
    for receiver in &listing.receivers {
        by_id.entry(receiver.id).or_default().push(receiver);
    }
    for mut receivers in by_id.into_values().filter(|receivers| receivers.len() > 1) {
        if are_inside_functions(&receivers) {
            continue;
        }
        receivers.sort_by_key(|receiver| (receiver.place.file, receiver.place.line));
        problems.push(Problem::EqualIds {
            signal: listing.signal,
            receivers,
        });
    }
}

/// Whether these receivers have one path because they stand inside functions, which a path does not
/// name: as in two tests of one module. Then what is around them tells them apart.
fn are_inside_functions(receivers: &[&'static Registration]) -> bool {
    let mut paths = HashSet::with_capacity(receivers.len());
    receivers
        .iter()
        .all(|receiver| receiver.has_default_id() && paths.insert(receiver.full_path()))
}

/// Orders against receivers that are never called beside this one, of any signal: they say nothing.
pub(super) fn unrelated(listings: &[Listing]) -> Vec<Warning> {
    let mut said: BTreeMap<_, (&'static Registration, &'static str, bool)> = BTreeMap::new();
    for listing in listings {
        for &receiver in &listing.receivers {
            for neighbour in receiver.before.iter().chain(receiver.after) {
                let key = (neighbour.function)();
                let is_beside = listing
                    .receivers
                    .iter()
                    .any(|other| other.function() == key && other.phase == receiver.phase);
                let place = (receiver.place.file, receiver.place.line, neighbour.written);
                let entry = said
                    .entry(place)
                    .or_insert((receiver, neighbour.written, false));
                entry.2 |= is_beside;
            }
        }
    }
    said.into_values()
        .filter(|(.., is_beside)| !is_beside)
        .map(|(receiver, path, _)| Warning::UnrelatedNeighbour { receiver, path })
        .collect()
}

/// Phase by phase, repeatedly takes the least by (`order`, `id`) among the receivers whose
/// predecessors are all placed.
pub(super) fn sorted(
    listing: &Listing,
    functions: &HashSet<TypeId>,
    problems: &mut Vec<Problem>,
) -> Receivers {
    let mut all = listing.receivers.clone();
    all.sort_by(|one, other| {
        let key = |it: &&'static Registration| (it.phase, it.order, it.id);
        let by_path = || one.full_path().cmp(other.full_path());
        key(one).cmp(&key(other)).then_with(by_path)
    });
    let mut result = Vec::with_capacity(all.len());
    // By what is there, and not by a list of phases, in which one could be missing.
    for receivers in all.chunk_by(|one, next| one.phase == next.phase) {
        let Some(successors) = successors(receivers, functions, problems) else {
            result.extend(receivers);
            continue;
        };
        let (placed, circle) = place(receivers, &successors);
        if !circle.is_empty() {
            problems.push(Problem::Cycle {
                signal: listing.signal,
                receivers: circle,
            });
        }
        result.extend(placed);
    }
    result
}

/// For each receiver the positions of those that must come after it; `None` if nobody asked for
/// anything.
fn successors(
    receivers: &[&'static Registration],
    functions: &HashSet<TypeId>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<HashSet<usize>>> {
    if receivers
        .iter()
        .all(|receiver| receiver.before.is_empty() && receiver.after.is_empty())
    {
        return None;
    }
    let mut positions: HashMap<TypeId, Vec<usize>> = HashMap::new();
    for (position, receiver) in receivers.iter().enumerate() {
        positions
            .entry(receiver.function())
            .or_default()
            .push(position);
    }
    let mut successors = vec![HashSet::new(); receivers.len()];
    for (position, receiver) in receivers.iter().enumerate() {
        for neighbour in receiver.before.iter().chain(receiver.after) {
            if !functions.contains(&(neighbour.function)()) {
                problems.push(Problem::UnknownNeighbour {
                    receiver,
                    path: neighbour.written,
                });
            }
        }
        // A receiver of another signal or phase is no error and no predecessor.
        let here = |function: fn() -> TypeId| positions.get(&function()).into_iter().flatten();
        for &later in receiver
            .before
            .iter()
            .flat_map(|neighbour| here(neighbour.function))
        {
            successors[position].insert(later);
        }
        for &earlier in receiver
            .after
            .iter()
            .flat_map(|neighbour| here(neighbour.function))
        {
            successors[earlier].insert(position);
        }
    }
    Some(successors)
}

/// Kahn's algorithm with a heap; `receivers` are sorted by (`order`, `id`), so a position is a key.
/// The second part is what stands in a circle.
fn place(
    receivers: &[&'static Registration],
    successors: &[HashSet<usize>],
) -> (Receivers, Receivers) {
    let mut waiting_for = vec![0_usize; receivers.len()];
    for later in successors.iter().flatten() {
        waiting_for[*later] += 1;
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..receivers.len())
        .filter(|&position| waiting_for[position] == 0)
        .map(Reverse)
        .collect();
    let mut placed = Vec::with_capacity(receivers.len());
    while let Some(Reverse(position)) = ready.pop() {
        placed.push(receivers[position]);
        for &later in &successors[position] {
            waiting_for[later] -= 1;
            if waiting_for[later] == 0 {
                ready.push(Reverse(later));
            }
        }
    }
    let mut circle: Vec<usize> = (0..receivers.len())
        .filter(|&position| waiting_for[position] > 0)
        .collect();
    // What only stands behind a circle is not to blame.
    loop {
        let (blamed, behind): (Vec<usize>, Vec<usize>) = circle.iter().partition(|&position| {
            circle
                .iter()
                .any(|other| successors[*position].contains(other))
        });
        circle = blamed;
        if behind.is_empty() {
            break;
        }
    }
    (
        placed,
        circle
            .into_iter()
            .map(|position| receivers[position])
            .collect(),
    )
}
