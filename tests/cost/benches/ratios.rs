//! Prints tables of ratios: `tests/cost/ratios` runs it.
//!
//! Rivals run in alternation, in many short rounds: whatever else the machine does falls on all of
//! them, and a ratio is of what happened at the same time.

// As the crate itself.
#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod buses;

use std::time::Duration;

use lback_cost::{AT_MOST, OPERATIONS, Place, Work, dispatch, on_mysql, on_postgres, sqlite};

const ROUNDS: usize = 31;
/// A call of nobody takes no time at all.
const AT_MOST_SENT: usize = 50_000_000;
const ROUND: Duration = Duration::from_millis(20);

fn main() {
    // Cargo adds an option.
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    for table in wanted {
        match &*table {
            "dispatch" => print_dispatch(),
            "sqlite" => {
                let all: Vec<_> = sqlite::all().collect();
                for (at, place) in [
                    ("in memory, in one transaction", Place::MEMORY),
                    (
                        "in a file (WAL, synchronous FULL), in one transaction",
                        Place::FILE,
                    ),
                    (
                        "in a file (WAL, synchronous FULL), a commit each",
                        Place::FILE_EACH,
                    ),
                ] {
                    print_operations(&format!("SQLite {at}"), place, &all);
                }
            }
            "postgres" => print_server("PostgreSQL", on_postgres()),
            "mysql" => print_server("MySQL", on_mysql()),
            _ => println!("no table is called so: see tests/cost/ratios"),
        }
    }
}

/// Nanoseconds of one, in each round.
fn rounds(runs: &[&dyn Fn(usize) -> Duration], at_most: usize, at_once: usize) -> Vec<Vec<f64>> {
    let counts: Vec<_> = runs
        .iter()
        .map(|run| count(run, at_most, at_once))
        .collect();
    let mut nanoseconds = vec![Vec::new(); runs.len()];
    for round in 0..ROUNDS {
        for turn in 0..runs.len() {
            let which = (round + turn) % runs.len();
            let time = runs[which](counts[which]);
            nanoseconds[which].push(time.as_nanos() as f64 / counts[which] as f64);
        }
    }
    nanoseconds
}

/// How many fit into a round.
fn count(run: &dyn Fn(usize) -> Duration, at_most: usize, at_once: usize) -> usize {
    let mut count = at_once;
    while count < at_most && run(count) < ROUND {
        count = at_most.min(count * 2);
    }
    count
}

fn least(of: &[f64]) -> f64 {
    of.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = of.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn print_dispatch() {
    println!("\n### Dispatch\n");
    println!("Nanoseconds to call so many receivers: the least of {ROUNDS} rounds.\n");
    let mut names = Vec::new();
    let mut columns = Vec::new();
    for ((size, ways), (_, buses)) in dispatch::SIZES.iter().zip(buses::SIZES) {
        let ways = ways.iter().map(|&(name, run)| {
            let run: Box<dyn Fn(usize) -> Duration> =
                Box::new(move |times| run(Place::MEMORY, times));
            (name, run)
        });
        let buses = buses.iter().map(|&(name, run)| {
            let run: Box<dyn Fn(usize) -> Duration> = Box::new(run);
            (name, run)
        });
        let all: Vec<_> = ways.chain(buses).collect();
        let runs: Vec<_> = all.iter().map(|(_, run)| &**run).collect();
        names = all.iter().map(|(name, _)| *name).collect();
        columns.push((size, rounds(&runs, AT_MOST_SENT, 1)));
    }
    let sizes: Vec<_> = columns.iter().map(|(size, _)| size.to_string()).collect();
    println!("| receivers | {} |", sizes.join(" | "));
    println!("|---|{}", "--:|".repeat(sizes.len()));
    for (row, name) in names.iter().enumerate() {
        let cells = columns
            .iter()
            .map(|(_, times)| format!("{:.1}", least(&times[row])));
        println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn print_server(name: &str, server: lback_cost::Server) {
    match server {
        Ok(all) => {
            let title = format!("{name}, in one transaction");
            print_operations(&title, Place::SERVER, &all);
            print_operations(&format!("{name}, a commit each"), Place::SERVER_EACH, &all);
        }
        Err(reason) => println!("{name}: {reason}"),
    }
}

/// Microseconds are the least of all rounds; ratios are of the least, and the median of all rounds.
fn print_operations(title: &str, place: Place, all: &[Work]) {
    let has_rusqlite = OPERATIONS[0].find(2, all).is_some();
    println!("\n### {title}\n");
    println!(
        "Microseconds a row, the least of {ROUNDS} rounds; ratios of the least / the median.\n"
    );
    println!("Where lback has 6 receivers, the others send the same statements and call nobody.\n");
    if has_rusqlite {
        println!("| operation | lback | Diesel | rusqlite | to Diesel | to rusqlite |");
        println!("|---|--:|--:|--:|--:|--:|");
    } else {
        println!("| operation | lback | Diesel | to Diesel |");
        println!("|---|--:|--:|--:|");
    }
    for operation in OPERATIONS {
        let found: Vec<_> = (0..3).filter_map(|by| operation.find(by, all)).collect();
        let bound: Vec<_> = found
            .iter()
            .map(|&run| move |times| run(place, times))
            .collect();
        let runs: Vec<_> = bound.iter().map(|run| run as &dyn Fn(_) -> _).collect();
        let times = rounds(&runs, AT_MOST, operation.rows);
        let mut cells: Vec<_> = times
            .iter()
            .map(|times| format!("{:.2}", least(times) / 1_000.0))
            .collect();
        for rival in &times[1..] {
            let of_least = least(&times[0]) / least(rival);
            let of_all = median(times[0].iter().zip(rival).map(|(own, other)| own / other));
            cells.push(format!("{of_least:.2} / {of_all:.2}"));
        }
        println!("| {} | {} |", operation.name, cells.join(" | "));
    }
}
