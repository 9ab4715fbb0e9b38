use lback::sqlite::prelude::*;

struct Bell;

#[signal]
struct DoorOpened {
    door: u8,
}

#[receiver(door_opened)]
fn ring(door: &u8, #[state] bell: &Bell) {
    let _ = (door, bell);
}

fn main() {}
