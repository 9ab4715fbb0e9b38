//! The house itself: what its documents say of its files, and that no arrow points up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of `lback`, from the ground up (`docs/architecture.md`).
const LEVELS: [&[&str]; 7] = [
    &["care", "error", "receiver", "value", "trace"],
    &["registry"],
    &["session"],
    &["signal", "pool", "outbox"],
    &["repository"],
    &["user", "inspect", "testing"],
    // `lback::sqlite` and its like.
    &["backend", "sqlite", "postgres", "mysql", "diesel_async"],
];

#[test]
fn an_arrow_only_points_down() {
    let source = root().join("lback/src");
    let homes = homes(&read(&source.join("lib.rs")));
    let mut upward = Vec::new();
    for file in files(&source)
        .iter()
        .filter(|file| !file.ends_with("lib.rs"))
    {
        let inside = file.strip_prefix(&source).expect("it was found there");
        let name = Path::new(inside.iter().next().expect("a name")).with_extension("");
        let own = level(&name.to_string_lossy()).expect("every module has a level");
        for named in named(&read(file)) {
            let home = homes.get(&named).unwrap_or(&named);
            if level(home).is_some_and(|level| level > own) {
                upward.push(format!("{} names crate::{named}", inside.display()));
            }
        }
    }
    assert!(
        upward.is_empty(),
        "arrows that point up:\n{}",
        upward.join("\n")
    );
}

#[test]
fn files_of_one_module_do_not_use_each_other_in_a_circle() {
    let source = root().join("lback/src");
    let sources: BTreeMap<Vec<String>, String> = files(&source)
        .iter()
        .filter(|file| is_rust(&file.to_string_lossy()) && !file.ends_with("lib.rs"))
        .map(|file| (path_of(file, &source), read(file)))
        .collect();
    let arrows: BTreeMap<_, _> = sources
        .iter()
        // What holds others knows them, and they may know it.
        .filter(|(path, _)| !holds_others(path, &sources))
        .map(|(path, text)| (path, used(path, text, &sources)))
        .collect();
    let circles: Vec<_> = arrows
        .keys()
        .filter_map(|start| circle(start, &arrows))
        .map(|circle| circle.join(" -> "))
        .collect();
    assert!(
        circles.is_empty(),
        "files that use each other in a circle:\n{}",
        circles.join("\n")
    );
}

#[test]
fn the_ledger_knows_no_connection() {
    let ledger = root().join("lback/src/session/ledger");
    let mut found = 0;
    for file in files(&ledger) {
        found += 1;
        let source = read(&file);
        for word in [
            "SessionConnection",
            "diesel::",
            "crate::signal",
            "batch_execute",
        ] {
            assert!(
                !source.contains(word),
                "{} names {word}: the ledger decides, and a driver does",
                file.display()
            );
        }
    }
    assert!(found > 5, "{} is empty", ledger.display());
}

#[test]
fn every_promise_stands_in_the_semantics_and_in_a_file() {
    let semantics = read(&root().join("docs/semantics.md"));
    let named: Vec<&str> = semantics
        .split('`')
        .filter(|text| {
            (text.starts_with("tests/") || text.starts_with("lback/nats/tests/")) && is_rust(text)
        })
        .collect();
    for &name in &named {
        assert!(
            root().join(name).is_file(),
            "docs/semantics.md names {name}, which is not there"
        );
    }
    let mut forgotten = Vec::new();
    let folders = [
        "tests/promises",
        "tests/registry",
        "tests/server_only",
        "tests/sqlite_only",
        "tests/postgres_only",
        "tests/mysql_only",
        "tests/diesel_async_only",
        "tests/disk/promises",
        "lback/nats/tests/promises",
    ];
    for folder in folders {
        for file in files(&root().join(folder)) {
            let inside = file.strip_prefix(root()).expect("it was found there");
            let name = inside.to_string_lossy().replace('\\', "/");
            if !name.ends_with("/mod.rs") && !named.contains(&&*name) {
                forgotten.push(name);
            }
        }
    }
    assert!(
        forgotten.is_empty(),
        "docs/semantics.md does not name:\n{}",
        forgotten.join("\n")
    );
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut documents = vec![
        "README.md".into(),
        "CONTRIBUTING.md".into(),
        "CHANGELOG.md".into(),
    ];
    documents.extend(files(&root().join("docs")));
    for document in documents {
        let document = root().join(document);
        for link in read(&document).split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            let target = document.with_file_name(link);
            assert!(target.exists(), "{} links to {link}", document.display());
        }
    }
}

fn is_rust(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == "rs")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All Rust and Markdown files below a folder; none if it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "rs" || end == "md")
        })
        .collect();
    found.sort();
    found
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|modules| modules.contains(&module))
}

/// Where the crate's root has its names from: `pub use session::{Session, ..};`
fn homes(root: &str) -> HashMap<String, String> {
    let mut homes = HashMap::new();
    for (module, names) in root
        .split("pub use ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next()?.split_once("::"))
    {
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            // The attributes bear the names of modules, and the prelude repeats others.
            if level(module).is_some() && level(name).is_none() {
                homes.insert(name.to_owned(), module.to_owned());
            }
        }
    }
    homes
}

/// What follows `crate::`, outside of comments and unit tests.
fn named(source: &str) -> Vec<String> {
    let source = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .filter_map(|rest| rest.split([';', '<', '(']).next())
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').collect::<Vec<_>>(),
            None => vec![rest],
        })
        .filter_map(|path| {
            path.trim()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .map(str::to_owned)
        .collect()
}

/// `repository::sql::text`, for a file of it.
fn path_of(file: &Path, source: &Path) -> Vec<String> {
    let inside = file.strip_prefix(source).expect("it was found there");
    let mut path: Vec<String> = inside
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn holds_others(path: &[String], sources: &BTreeMap<Vec<String>, String>) -> bool {
    sources
        .keys()
        .any(|other| other.len() > path.len() && other.starts_with(path))
}

/// The files of the same module that a file uses, wherever `use` stands in it.
fn used(
    own: &[String],
    text: &str,
    sources: &BTreeMap<Vec<String>, String>,
) -> BTreeSet<Vec<String>> {
    paths_used(own, text)
        .into_iter()
        .filter_map(|path| home(path, sources))
        .filter(|home| home[0] == own[0] && home != own)
        .collect()
}

/// Where a path leads: to the file itself, or to the one from which a module that holds others has
/// the name.
fn home(path: Vec<String>, sources: &BTreeMap<Vec<String>, String>) -> Option<Vec<String>> {
    let own = (1..=path.len())
        .rev()
        .map(|length| &path[..length])
        .find(|path| sources.contains_key(*path))?;
    if !holds_others(own, sources) {
        return Some(own.to_vec());
    }
    let name = path.get(own.len())?;
    let named_again = paths_used(own, &sources[own])
        .into_iter()
        .find(|path| path.last() == Some(name) && path.len() > own.len() + 1)?;
    home(named_again, sources)
}

/// All paths that `use` brings in, from the crate's root on.
fn paths_used(own: &[String], text: &str) -> Vec<Vec<String>> {
    let text: String = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let mut paths = Vec::new();
    for rest in text.split(" use ").skip(1).chain(text.strip_prefix("use ")) {
        let Some((tree, _)) = rest.split_once(';') else {
            continue;
        };
        for path in branches(tree.trim()) {
            let mut absolute = own.to_vec();
            let mut is_ours = false;
            let mut parts = path.split("::").map(str::trim).peekable();
            while let Some(part) = parts.next_if(|part| ["crate", "self", "super"].contains(part)) {
                is_ours = true;
                match part {
                    "crate" => absolute.clear(),
                    "super" => drop(absolute.pop()),
                    _ => {}
                }
            }
            if is_ours {
                let named = parts.map(|part| part.split(" as ").next().unwrap_or(part));
                absolute.extend(named.map(str::to_owned));
                paths.push(absolute);
            }
        }
    }
    paths
}

/// `a::{b, c::{d, e}}` one by one.
fn branches(tree: &str) -> Vec<String> {
    let Some((stem, list)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let list = list.trim_end().strip_suffix('}').unwrap_or(list);
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (place, sign) in list.char_indices().chain([(list.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = list[start..place].trim();
                if !branch.is_empty() {
                    found.extend(branches(&format!("{stem}{branch}")));
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    found
}

/// A way from a file back to it, told by the first of its files.
fn circle(
    start: &Vec<String>,
    arrows: &BTreeMap<&Vec<String>, BTreeSet<Vec<String>>>,
) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in arrows.get(way.last()?).into_iter().flatten() {
            if next == start {
                let told = way.iter().chain([next]).map(|path| path.join("::"));
                return Some(told.collect());
            }
            // Another of its files tells it.
            if next > start && seen.insert(next.clone()) {
                ways.push([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}
