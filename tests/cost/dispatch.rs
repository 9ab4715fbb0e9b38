//! Sending a signal, with 0, 1, 2 and 10 receivers.

use std::hint::black_box;

use lback::sqlite::prelude::*;

use crate::Run;

pub(crate) const ALL: &[(&str, Run)] = &[
    ("dispatch 0", none),
    ("dispatch 1", one),
    ("dispatch 2", two),
    ("dispatch 10", ten),
];

macro_rules! signals {
    ($($arguments:ident $run:ident $signal:ident: $($receiver:ident)*;)*) => {$(
        #[signal(pre)]
        pub struct $arguments<'a> {
            pub sum: &'a mut u64,
            pub session: &'a mut Session,
        }

        $(
            #[receiver($signal)]
            #[inline(never)]
            fn $receiver(sum: &mut u64) -> Result<(), Veto> {
                *sum += 1;
                Ok(())
            }
        )*

        #[inline(never)]
        fn $run(times: usize) {
            let session = &mut lback::sqlite::connect(":memory:").unwrap();
            let mut sum = 0;
            for _ in 0..times {
                let mut args = $arguments { sum: &mut sum, session };
                assert!(lback::__private::dispatch::<$signal>(&mut args).is_ok());
            }
            black_box(sum);
        }
    )*};
}

signals! {
    NobodyPre none nobody_pre: ;
    OnePre one one_pre: a;
    TwoPre two two_pre: b c;
    TenPre ten ten_pre: d e f g h i j k l m;
}
