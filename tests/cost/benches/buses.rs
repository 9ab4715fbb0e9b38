//! What other crates have in place of a signal, and a list of closures behind a lock.

use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bevy_ecs::prelude::{Event, On, World};
use lback::Veto;
use lback_cost::dispatch::{Bus, hundred, none, on_a_bus, one, ten};
use signals2::{Connect1, Emit1, Signal};

/// Does it so many times, and says how long that took.
pub(crate) type Run = fn(usize) -> Duration;

/// The ways to call so many functions, by their number.
pub(crate) const SIZES: &[(usize, &[(&str, Run)])] = &[
    (0, ways!(none)),
    (1, ways!(one)),
    (10, ways!(ten)),
    (100, ways!(hundred)),
];

macro_rules! ways {
    ($size:ident) => {
        &[
            ("boxed closures, locked", |times| {
                on_a_bus::<Closures>($size::add_all, times)
            }),
            ("signals2 0.3", |times| {
                on_a_bus::<Signals2>($size::add_all, times)
            }),
            ("bevy_ecs 0.17 observers", |times| {
                on_a_bus::<Bevy>($size::add_all, times)
            }),
        ]
    };
}
use ways;

type Closure = Box<dyn Fn(&mut u64) -> Result<(), Veto> + Send + Sync>;

#[derive(Default)]
struct Closures {
    all: RwLock<Vec<Closure>>,
    sum: u64,
}

impl Bus for Closures {
    fn add<F>(&mut self, receiver: F)
    where
        F: Fn(&mut u64) -> Result<(), Veto> + Copy + Send + Sync + 'static,
    {
        self.all.write().unwrap().push(Box::new(receiver));
    }

    fn send(&mut self) {
        let all = self.all.read().unwrap();
        assert!(all.iter().try_for_each(|call| call(&mut self.sum)).is_ok());
    }

    fn sum(&self) -> u64 {
        self.sum
    }
}

/// Its arguments are cloned for each slot, so they cannot be lent to it.
#[derive(Default)]
struct Signals2(Signal<(&'static AtomicU64,)>);

static SUM: AtomicU64 = AtomicU64::new(0);

impl Bus for Signals2 {
    fn add<F>(&mut self, receiver: F)
    where
        F: Fn(&mut u64) -> Result<(), Veto> + Copy + Send + Sync + 'static,
    {
        self.0.connect(move |shared| {
            let mut sum = shared.load(Ordering::Relaxed);
            assert!(receiver(&mut sum).is_ok());
            shared.store(sum, Ordering::Relaxed);
        });
    }

    fn send(&mut self) {
        self.0.emit(&SUM);
    }

    fn sum(&self) -> u64 {
        SUM.load(Ordering::Relaxed)
    }
}

#[derive(Event, Default)]
struct Sent {
    sum: u64,
}

#[derive(Default)]
struct Bevy {
    world: World,
    sent: Sent,
}

impl Bus for Bevy {
    fn add<F>(&mut self, receiver: F)
    where
        F: Fn(&mut u64) -> Result<(), Veto> + Copy + Send + Sync + 'static,
    {
        self.world.add_observer(move |mut event: On<'_, '_, Sent>| {
            assert!(receiver(&mut event.sum).is_ok());
        });
        self.world.flush();
    }

    fn send(&mut self) {
        self.world.trigger_ref(&mut self.sent);
    }

    fn sum(&self) -> u64 {
        self.sent.sum
    }
}
