//! The ledger's answers to single questions: what random sequences reach too rarely, or cannot tell
//! apart, such as a look that is taken once too often.

mod journal;
mod levels;
mod marks;
mod parcels;
mod waiting;

use crate::receiver::Phase;
use crate::session::ledger::{Kind, Ledger, Open, States};

type Book = Ledger<&'static str, u32>;

fn inside() -> (Book, Open) {
    let mut ledger = Ledger::new();
    let open = open(&mut ledger, Kind::Outermost);
    (ledger, open)
}

fn open(ledger: &mut Book, kind: Kind) -> Open {
    if kind != Kind::Bare {
        assert_eq!(ledger.opening().expect("it can be opened"), kind);
    }
    ledger.opened(kind, false)
}

fn queue(ledger: &mut Book, phase: Phase, work: &'static str) {
    let effect = ledger.effects.effect(phase, None, States::default(), work);
    ledger.effects.push(effect);
}

fn ready(ledger: &mut Book) -> Vec<&'static str> {
    std::iter::from_fn(|| ledger.effects.next_ready())
        .map(|effect| effect.work)
        .collect()
}

fn discarded(ledger: &mut Book) -> Vec<&'static str> {
    std::iter::from_fn(|| ledger.effects.next_discarded())
        .map(|effect| effect.work)
        .collect()
}
