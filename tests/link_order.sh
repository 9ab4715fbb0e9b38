#!/bin/sh
# Receivers of one signal, spread over two crates, run in the contract's order in debug and in
# release with fat LTO, whichever crate is linked first. It builds a pair of crates outside of the
# workspace, because profiles and link order belong to a workspace. Prints what ran in each build.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# Receivers x and z in one crate, y and w in the other: no crate's own order is the right one.
mkdir -p "$work/signals/src" "$work/one/src" "$work/two/src" "$work/app/src"
cat > "$work/Cargo.toml" <<TOML
[workspace]
resolver = "3"
members = ["signals", "one", "two", "app"]

[profile.release]
lto = "fat"
codegen-units = 1
TOML
cp "$root/Cargo.lock" "$work/Cargo.lock"

package() {
    printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\nlback = { path = "%s/lback" }\n' \
        "$1" "$root" > "$work/$1/Cargo.toml"
    shift
    for dependency in "$@"; do
        echo "$dependency = { path = \"../$dependency\" }"
    done
}
package signals >> "$work/signals/Cargo.toml"
package one signals > "$work/deps" && cat "$work/deps" >> "$work/one/Cargo.toml"
package two signals one > "$work/deps" && cat "$work/deps" >> "$work/two/Cargo.toml"
package app signals one two > "$work/deps" && cat "$work/deps" >> "$work/app/Cargo.toml"

cat > "$work/signals/src/lib.rs" <<'RUST'
use std::sync::Mutex;

#[lback::signal]
pub struct Rang<'a> {
    pub ran: &'a Mutex<Vec<&'static str>>,
}
RUST
cat > "$work/one/src/lib.rs" <<'RUST'
use std::sync::Mutex;

use lback::receiver;
use signals::rang;

// The vector of the contract is x, y and z; y stands in the other crate.
#[receiver(rang, order = 0, id = "z")]
pub fn z(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("z");
}

#[receiver(rang, order = 5, id = "x")]
pub fn x(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("x");
}

#[receiver(rang, order = 7, id = "tie b")]
pub fn tie_b(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("tie b");
}

pub fn link() {}
RUST
cat > "$work/two/src/lib.rs" <<'RUST'
use std::sync::Mutex;

use lback::receiver;
use signals::rang;

#[receiver(rang, order = 7, id = "tie a")]
pub fn tie_a(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("tie a");
}

#[receiver(rang, order = -10, id = "y", after = one::x)]
pub fn y(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("y");
}

#[receiver(rang, order = 7, id = "tie c")]
pub fn tie_c(ran: &Mutex<Vec<&'static str>>) {
    ran.lock().unwrap().push("tie c");
}

pub fn link() {}
RUST

main() {
    cat > "$work/app/src/main.rs" <<RUST
use std::sync::Mutex;

fn main() {
    $1::link();
    $2::link();
    let ran = Mutex::new(Vec::new());
    signals::Rang { ran: &ran }.send().unwrap();
    println!("{}", ran.into_inner().unwrap().join(", "));
}
RUST
}

expected='z, x, y, tie a, tie b, tie c'
status=0
for crates in "one two" "two one"; do
    # shellcheck disable=SC2086
    main $crates
    for profile in dev release; do
        ran=$(cd "$work" && CARGO_TARGET_DIR="${LBACK_LINK_ORDER_TARGET:-$root/target/link-order}" \
            cargo run --quiet -p app --profile "$profile")
        echo "$crates, $profile: $ran"
        [ "$ran" = "$expected" ] || status=1
    done
done
[ "$status" = 0 ] || echo "expected: $expected" >&2
exit "$status"
