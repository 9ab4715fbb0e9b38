//! What waits or is in force: effects, the chain of receivers, states.

use std::any::TypeId;
use std::sync::Arc;

use super::{Book, discarded, inside, open, queue, ready};
use crate::error::Error;
use crate::receiver::Phase;
use crate::session::ledger::{Kind, States};

#[test]
fn effects_run_by_the_end_of_their_transaction() {
    let fill = |ledger: &mut Book| {
        queue(ledger, Phase::AfterRollback, "outer lament");
        queue(ledger, Phase::AfterCommit, "outer");
        let _inner = open(ledger, Kind::Savepoint);
        queue(ledger, Phase::AfterCommit, "inner");
        queue(ledger, Phase::AfterRollback, "inner lament");
        ledger.undone(true);
        queue(ledger, Phase::AfterCommit, "last");
    };
    let (mut ledger, _open) = inside();
    fill(&mut ledger);
    assert!(!ledger.effects.has_ready() && ledger.effects.has_discarded());
    let waiting: Vec<_> = ledger.effects.since(1).map(|effect| effect.work).collect();
    assert_eq!(waiting, ["outer", "inner lament", "last"]);
    let _ = ledger.committed();
    assert!(ledger.effects.has_ready());
    assert_eq!(ready(&mut ledger), ["inner lament", "outer", "last"]);

    let (mut ledger, _open) = inside();
    fill(&mut ledger);
    let _ = ledger.rolled_back();
    assert_eq!(ready(&mut ledger), ["outer lament", "inner lament"]);

    let (mut ledger, _open) = inside();
    fill(&mut ledger);
    let _ = ledger.unknown();
    assert_eq!(ready(&mut ledger), ["inner lament"], "that much is known");
    assert_eq!(discarded(&mut ledger).len(), 4);
    assert!(!ledger.effects.has_discarded());

    let (mut ledger, _open) = inside();
    fill(&mut ledger);
    ledger.effects.discard_all();
    let _ = ledger.committed();
    assert_eq!(ready(&mut ledger), [""; 0]);
    assert_eq!(discarded(&mut ledger).len(), 5);
}

#[test]
fn what_is_ready_can_be_held_back() {
    let mut ledger = Book::new();
    let next = |ledger: &mut Book, work| {
        ledger
            .effects
            .effect(Phase::AfterCommit, None, States::default(), work)
    };
    let before = next(&mut ledger, "before");
    ledger.effects.push_ready(before);
    let held = ledger.effects.take_ready();
    assert!(!ledger.effects.has_ready());
    let inside = next(&mut ledger, "inside");
    ledger.effects.push_ready(inside);
    ledger.effects.put_back(held);
    assert_eq!(ready(&mut ledger), ["before"]);
    assert_eq!(discarded(&mut ledger), ["inside"]);
    assert_eq!(ledger.effects.sequence(), 2);
}

#[test]
fn generations_are_counted_from_the_effect_at_work() {
    let mut ledger = Book::new();
    assert_eq!(ledger.effects.max_generations, 16);
    ledger.effects.max_generations = 2;
    for generation in 0..2 {
        ledger.effects.generation = generation;
        assert!(ledger.effects.may_queue());
        let effect = ledger
            .effects
            .effect(Phase::AfterCommit, None, States::default(), "");
        assert_eq!(effect.generation, generation + 1);
    }
    ledger.effects.generation = 2;
    assert!(!ledger.effects.may_queue());
}

#[test]
fn states_are_found_by_their_type() {
    let mut states = States::default();
    assert!(!states.has(&[TypeId::of::<u8>()]) && states.get::<u8>().is_none());
    states.put(Arc::new(1_u8));
    states.put(Arc::new("text"));
    let inner = states.with(Arc::new(2_u8));
    assert_eq!(
        (
            states.get::<u8>().map(|it| **it),
            inner.get::<u8>().map(|it| **it)
        ),
        (Some(1), Some(2))
    );
    assert_eq!(inner.get::<&str>().map(|value| &**value), Some(&"text"));
    assert!(inner.has(&[TypeId::of::<&str>()]) && !inner.has(&[TypeId::of::<u16>()]));
    assert!(inner.get::<u16>().is_none());
    // What lies in an `Arc` is found as such, and as what it is.
    states.put(Arc::new(Arc::new(3_u16)));
    assert_eq!(states.get::<u16>().map(|it| **it), Some(3));
    assert!(states.get::<Arc<u16>>().is_some());
}

#[test]
fn states_that_panic_when_dropped_are_all_dropped() {
    struct Loud(Arc<std::sync::atomic::AtomicU32>);

    impl Drop for Loud {
        fn drop(&mut self) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            panic!("dropped");
        }
    }

    struct Louder(#[allow(dead_code)] Loud);

    let dropped = Arc::default();
    let mut states = States::default();
    states.put(Arc::new(Loud(Arc::clone(&dropped))));
    states.put(Arc::new(Louder(Loud(Arc::clone(&dropped)))));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(states)));
    assert!(caught.is_err(), "the first panic goes on");
    assert_eq!(dropped.load(std::sync::atomic::Ordering::Relaxed), 2);
    // Inside of another panic it must not: that would abort the process.
    let mut states = States::default();
    states.put(Arc::new(Loud(Arc::clone(&dropped))));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _held = states;
        panic!("another");
    }));
    let payload = caught.expect_err("it panics");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"another"));
}

pub(super) mod noted {
    use std::any::TypeId;

    use crate::receiver::{Place, Registration, SignalInfo, Timing};

    pub(in super::super) static SIGNAL: SignalInfo =
        SignalInfo::new(TypeId::of::<u8>, "noted", module_path!(), Timing::Post);

    const fn receiver(path: &'static str) -> Registration {
        let place = Place {
            file: file!(),
            line: line!(),
            column: column!(),
        };
        Registration::new(&SIGNAL, path, place, || {
            crate::receiver::Function::of(&0_u8)
        })
    }

    pub(in super::super) static ONE: Registration = receiver("one");
    pub(in super::super) static TWO: Registration = receiver("two");
}

#[test]
fn receivers_that_call_each_other_are_named_and_bounded() {
    let mut ledger = Book::new();
    let chain = &mut ledger.chain;
    assert!(chain.running().is_none());
    chain.check(&noted::SIGNAL).expect("nobody runs");

    let mut links = Vec::new();
    let refused = loop {
        match chain.descend(&noted::SIGNAL) {
            Ok(link) => {
                links.push(link);
                let next = if links.len() % 2 == 1 {
                    &noted::ONE
                } else {
                    &noted::TWO
                };
                chain.run(next);
                assert_eq!(chain.running().map(|running| running.id), Some(next.id));
            }
            Err(refused) => break refused,
        }
    };
    let Error::Recursion {
        limit,
        chain: named,
        signal,
    } = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((links.len(), limit, signal), (16, 16, "noted"));
    let named: Vec<_> = named.iter().map(|receiver| receiver.id).collect();
    assert_eq!(named, ["one", "two"].repeat(8));

    chain.restore(links.pop().expect("there are some"));
    assert_eq!(chain.running().map(|running| running.id), Some("one"));
    chain.check(&noted::SIGNAL).expect("one less runs");
    chain.restore(links.swap_remove(0));
    assert!(chain.running().is_none());

    // Whoever calls from outside of receivers is always let in; with a bound of one, nobody else is.
    chain.set_limit(1);
    let outside = chain.descend(&noted::SIGNAL).expect("nobody runs");
    chain.run(&noted::ONE);
    assert!(chain.descend(&noted::SIGNAL).is_err());
    chain.restore(outside);
    assert!(chain.descend(&noted::SIGNAL).is_ok());
}

#[test]
fn the_end_of_a_level_comes_back_to_whoever_ran_when_it_was_opened() {
    let (mut ledger, outer) = inside();
    ledger.chain.run(&noted::ONE);
    let inner = open(&mut ledger, Kind::Savepoint);
    let _ = ledger.chain.descend(&noted::SIGNAL);
    ledger.chain.run(&noted::TWO);
    assert!(ledger.closing(&inner).is_ok());
    assert_eq!(
        ledger.chain.running().map(|running| running.id),
        Some("one")
    );
    ledger.released();
    assert!(ledger.closing(&outer).is_ok());
    assert!(ledger.chain.running().is_none());
}
