use lback::sqlite::prelude::*;

#[signal]
struct DoorOpened {
    door: u8,
}

#[receiver(door_opened)]
fn record(door: &u8, conn: &mut SqliteConnection) {
    let _ = (door, conn);
}

fn main() {}
