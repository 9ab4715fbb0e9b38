//! One signal for each number of receivers, with what the peer's repository sends: itself, the
//! user, and the session.

use std::hint::black_box;
use std::time::Duration;

use lback::sqlite::{prelude::*, users::*};

use crate::{Answer, count_call, operation, timed};

pub(crate) fn run(session: &mut Session, receivers: u32, count: usize) -> Answer<Duration> {
    let send = match receivers {
        0 => send_to_nobody,
        1 => send_to_one,
        10 => send_to_ten,
        100 => send_to_hundred,
        _ => return Err(format!("no signal has {receivers} receivers").into()),
    };
    let users = operation::stored(session, 1)?;
    timed(|| send(session, &users[0], count))
}

macro_rules! signals {
    ($($send:ident $arguments:ident;)*) => {$(
        #[signal]
        pub(crate) struct $arguments<'a> {
            pub sender: &'a UserRepository,
            pub user: &'a User,
            pub session: &'a mut Session,
        }

        fn $send(session: &mut Session, user: &User, count: usize) -> lback::Result<()> {
            let sender = &UserRepository::new();
            for _ in 0..count {
                let user = black_box(user);
                $arguments { sender, user, session }.send()?;
            }
            Ok(())
        }
    )*};
}

signals! {
    send_to_nobody SentToNobody;
    send_to_one SentToOne;
    send_to_ten SentToTen;
    send_to_hundred SentToHundred;
}

macro_rules! receivers {
    ($module:ident $signal:ident: $($receiver:ident)*) => {
        mod $module {
            use super::*;

            $(
                #[receiver($signal)]
                #[inline(never)]
                fn $receiver(_user: &User) {
                    count_call();
                }
            )*
        }
    };
}

macro_rules! hundred {
    ($($module:ident)*) => {$(
        receivers!($module sent_to_hundred: a b c d e f g h i j);
    )*};
}

receivers!(one sent_to_one: a);
receivers!(ten sent_to_ten: a b c d e f g h i j);
hundred!(h0 h1 h2 h3 h4 h5 h6 h7 h8 h9);
