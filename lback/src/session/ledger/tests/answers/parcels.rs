//! Rows for durable receivers: stored by the transaction that queued them, or by none.

use super::waiting::noted;
use super::{Book, inside, open};
use crate::session::ledger::{Kind, Parcel};

fn push(ledger: &mut Book, payload: &str) {
    ledger.parcels.push(Parcel {
        id: "id".to_owned(),
        receiver: &noted::ONE,
        version: 1,
        generation: 1,
        key: None,
        payload: Ok(payload.to_owned()),
    });
}

fn taken(ledger: &mut Book) -> Vec<String> {
    let taken = ledger.parcels.take();
    taken.iter().map(|it| it.text().to_owned()).collect()
}

#[test]
fn they_are_taken_in_the_order_queued_and_once() {
    let (mut ledger, _outer) = inside();
    push(&mut ledger, "first");
    let _inner = open(&mut ledger, Kind::Savepoint);
    push(&mut ledger, "second");
    ledger.released();
    assert_eq!(taken(&mut ledger), ["first", "second"]);
    assert!(taken(&mut ledger).is_empty());
}

#[test]
fn a_level_that_does_not_last_takes_its_own_with_it() {
    for kind in [Kind::Savepoint, Kind::Bare] {
        let (mut ledger, _outer) = inside();
        push(&mut ledger, "before");
        let _inner = open(&mut ledger, kind);
        push(&mut ledger, "inside");
        match kind {
            Kind::Bare => ledger.bare_failed(),
            _ => ledger.undone(true),
        }
        push(&mut ledger, "after");
        assert_eq!(taken(&mut ledger), ["before", "after"], "{kind:?}");
    }
}

#[test]
fn a_transaction_that_has_ended_leaves_none() {
    for end in [
        |ledger: &mut Book| {
            let _then = ledger.rolled_back();
        },
        |ledger: &mut Book| {
            let _then = ledger.unknown();
        },
        |ledger: &mut Book| {
            let _then = ledger.vanished();
        },
    ] {
        let (mut ledger, _outer) = inside();
        push(&mut ledger, "inside");
        end(&mut ledger);
        assert!(taken(&mut ledger).is_empty());
    }
}
