//! A program whose constructors never run, as on targets that have none: receivers named by hand run
//! all the same, and whoever names none is told so.
//!
//! This binary plays both parts: the test runs two copies of it, one with an empty list of
//! constructors.

// A test that cannot go on panics.
#![allow(clippy::pedantic)]

mod elf;
mod program;

use std::path::Path;
use std::process::Command;

/// Where the loader takes the list of constructors from the place that is written to.
const IS_POSSIBLE: bool = cfg!(all(
    target_os = "linux",
    target_env = "gnu",
    target_endian = "little",
    target_pointer_width = "64",
));

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments[1..] {
        [part] if part == "program" => print!("{}", program::run()),
        [option, ..] if option == "--list" => println!("without_constructors: test"),
        _ if IS_POSSIBLE => receivers_named_by_hand_need_no_constructors(),
        _ => println!("a program without constructors: left out, it is made on 64-bit Linux only"),
    }
}

fn receivers_named_by_hand_need_no_constructors() {
    let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
    let this = std::env::current_exe().expect("a program knows where it is");
    let copy = folder.path().join("copy");
    std::fs::copy(&this, &copy).expect("a program can be copied");

    let usual = run(&copy);
    let by_hand = "by hand: twice in user_pre_create, second, twice in user_post_create\n\
         by hand, in a pool: twice in user_pre_create, second, twice in user_post_create\n\
         by hand, in scopes: twice in user_pre_create, twice in user_post_create\n";
    let all = "plain: answer\n\
         program: unnamed, twice in user_pre_create, second, twice in user_post_create\n";
    assert_eq!(usual, format!("{all}{by_hand}"));

    let program = std::fs::read(&copy).expect("the copy is ours");
    std::fs::write(&copy, elf::without_constructors(program)).expect("the copy is ours");
    let without = run(&copy);
    let none = "plain: the constructors were dropped\n\
         program: the constructors were dropped\n";
    let by_hand = if cfg!(feature = "manual-registry") {
        by_hand
    } else {
        "by hand: no receivers\n"
    };
    assert_eq!(without, format!("{none}{by_hand}"));
}

fn run(program: &Path) -> String {
    let output = Command::new(program)
        .arg("program")
        .output()
        .expect("it can be started");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it writes text")
}
