use lback::sqlite::prelude::*;

#[signal]
struct DoorOpened {
    door: u8,
}

#[receiver(door_opened, after_commit)]
fn ring(door: &u8) {
    println!("{door}");
}

fn main() {}
