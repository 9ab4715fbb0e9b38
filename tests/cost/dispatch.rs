//! Sending a signal to 0, 1, 2, 10 and 100 receivers, and calling the same functions otherwise.

use std::hint::black_box;
use std::time::Duration;

use lback::sqlite::prelude::*;

use crate::{Place, Work, measured};

pub const ALL: &[Work] = &[
    ("dispatch 0", none::dispatch),
    ("dispatch 1", one::dispatch),
    ("dispatch 2", two::dispatch),
    ("dispatch 10", ten::dispatch),
    ("dispatch 100", hundred::dispatch),
    ("send 0", none::send),
    ("send 1", one::send),
];

/// The ways to call so many functions, lback's first.
pub const SIZES: &[(usize, &[Work])] = &[
    (0, none::WAYS),
    (1, one::WAYS),
    (10, ten::WAYS),
    (100, hundred::WAYS),
];

/// What another crate has in place of a signal.
pub trait Bus: Default {
    fn add<F>(&mut self, receiver: F)
    where
        F: Fn(&mut u64) -> Result<(), Veto> + Copy + Send + Sync + 'static;

    fn send(&mut self);

    /// What the receivers have added up.
    fn sum(&self) -> u64;
}

/// Sends so many times, after `add_all` has added all receivers.
pub fn on_a_bus<B: Bus>(add_all: fn(&mut B) -> u64, times: usize) -> Duration {
    let mut bus = B::default();
    let sum = add_all(&mut bus);
    let before = bus.sum();
    let time = measured(|| {
        for _ in 0..times {
            bus.send();
        }
    });
    assert_eq!(bus.sum() - before, times as u64 * sum);
    time
}

type Receiver = fn(&mut u64) -> Result<(), Veto>;

/// A registry without lback: one list for all signals.
struct Listed {
    signal: usize,
    call: Receiver,
}

inventory::collect!(Listed);

/// Calls `send` so many times, and sees that every receiver was called each time.
#[inline]
fn sent(times: usize, added: u64, mut send: impl FnMut(&mut u64)) -> Duration {
    let mut sum = 0;
    let time = measured(|| {
        for _ in 0..times {
            send(&mut sum);
        }
    });
    assert_eq!(sum, times as u64 * added);
    time
}

/// Functions that do the same are one to the compiler, so each adds a number of its own.
const fn number_of(name: &str) -> u64 {
    let name = name.as_bytes();
    match name {
        [letter] => *letter as u64,
        [letter, digit] => (*letter as u64) << 8 | *digit as u64,
        _ => panic!("a name of one letter, or of a letter and a digit"),
    }
}

macro_rules! signals {
    ($($arguments:ident $module:ident $signal:ident: $($receiver:ident)*;)*) => {$(
        pub mod $module {
            use super::*;

            #[signal(pre)]
            pub struct $arguments<'a> {
                pub sum: &'a mut u64,
                pub session: &'a mut Session,
            }

            $(
                #[receiver($signal)]
                #[inline(never)]
                fn $receiver(sum: &mut u64) -> Result<(), Veto> {
                    *sum += const { number_of(stringify!($receiver)) };
                    Ok(())
                }

                inventory::submit! { Listed { signal: SLICE.len(), call: $receiver } }
            )*

            const SUM: u64 = 0 $(+ number_of(stringify!($receiver)))*;
            static SLICE: &[Receiver] = &[$($receiver),*];

            pub const WAYS: &[Work] = &[
                ("lback, in an operation", dispatch),
                ("lback, `send`", send),
                ("direct calls", direct),
                ("static slice", slice),
                ("`inventory::iter` and a filter", walk),
            ];

            pub fn add_all(bus: &mut impl Bus) -> u64 {
                let _ = &bus;
                $(bus.add($receiver);)*
                SUM
            }

            #[inline(never)]
            pub fn dispatch(_: Place, times: usize) -> Duration {
                let session = &mut lback::sqlite::connect(":memory:").unwrap();
                sent(times, SUM, |sum| {
                    let mut args = $arguments { sum, session };
                    assert!(lback::__private::dispatch::<$signal>(&mut args).is_ok());
                })
            }

            #[inline(never)]
            pub fn send(_: Place, times: usize) -> Duration {
                let session = &mut lback::sqlite::connect(":memory:").unwrap();
                sent(times, SUM, |sum| {
                    assert!($arguments { sum, session }.send().is_ok());
                })
            }

            #[inline(never)]
            fn direct(_: Place, times: usize) -> Duration {
                fn all(sum: &mut u64) -> Result<(), Veto> {
                    let _ = &sum;
                    $($receiver(sum)?;)*
                    Ok(())
                }
                sent(times, SUM, |sum| assert!(all(sum).is_ok()))
            }

            #[inline(never)]
            fn slice(_: Place, times: usize) -> Duration {
                sent(times, SUM, |sum| {
                    let mut all = black_box(SLICE).iter();
                    assert!(all.try_for_each(|call| call(sum)).is_ok());
                })
            }

            #[inline(never)]
            fn walk(_: Place, times: usize) -> Duration {
                let signal = black_box(SLICE.len());
                sent(times, SUM, |sum| {
                    let listed = inventory::iter::<Listed>.into_iter();
                    let mut all = listed.filter(|listed| listed.signal == signal);
                    assert!(all.try_for_each(|listed| (listed.call)(sum)).is_ok());
                })
            }
        }
    )*};
}

signals! {
    NobodyPre none nobody_pre: ;
    OnePre one one_pre: a;
    TwoPre two two_pre: b c;
    TenPre ten ten_pre: d e f g h i j k l m;
    HundredPre hundred hundred_pre:
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
        e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9
        i0 i1 i2 i3 i4 i5 i6 i7 i8 i9 j0 j1 j2 j3 j4 j5 j6 j7 j8 j9;
}
