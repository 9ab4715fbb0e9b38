//! An error with the chain instead of a stack overflow, and nothing remains.

use super::a_veto_is_found_inside_other_errors::Transparent;
use super::{stored, traced};
use crate::database::*;
use lback::Error;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create)]
fn one_more(user: &User, session: &mut Session) -> lback::Result<()> {
    let next = user.username.len();
    if user.username.starts_with("bounded") && next >= 10 {
        return Ok(());
    }
    Users.create(session, new_user(&format!("{}x", user.username)))?;
    Ok(())
}

#[receiver(user_post_create, after_commit)]
fn created(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[test]
fn without_end() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = traced() else {
        return Ok(());
    };

    let endless = Users.create(&mut session, new_user("endless"));

    let Err(Error::Recursion {
        limit,
        chain,
        signal,
        ..
    }) = &endless
    else {
        panic!("{endless:?}");
    };
    assert_eq!(*limit, 16);
    assert_eq!(chain.len(), 16);
    assert_eq!(*signal, "user_post_create");
    assert!(chain.iter().all(|link| link.path.ends_with("::one_more")));
    let printed = endless.unwrap_err().to_string();
    assert!(printed.contains("user_post_create -> `"), "{printed}");
    assert_eq!(stored(&mut session), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);

    Users.create(&mut session, new_user("bounded"))?;
    assert_eq!(stored(&mut session).len(), 4);
    assert_eq!(trace.take().len(), 4);
    Ok(())
}

macro_rules! wrapping {
    ($($number:literal => $name:ident: $error:ty, $wrap:expr;)*) => {
        $(
            #[receiver(user_post_create)]
            fn $name(user: &User, session: &mut Session) -> Result<(), $error> {
                let name = &user.username;
                if name.starts_with("wrapped") && name.len() % 4 == $number {
                    let next = Users.create(session, new_user(&format!("{name}x")));
                    next.map(drop).map_err($wrap)?;
                }
                Ok(())
            }
        )*
    };
}

wrapping! {
    0 => in_anyhow: anyhow::Error, anyhow::Error::new;
    1 => in_a_transparent_enum: Transparent, Transparent::from;
    2 => in_eyre: eyre::Report, eyre::Report::new;
    3 => in_a_context: anyhow::Error, |error| anyhow::Error::new(error).context("no more");
}

#[test]
fn whatever_they_wrap_it_in() {
    let Some((_database, mut session, _trace)) = traced() else {
        return;
    };
    let endless = Users.create(&mut session, new_user("wrapped")).unwrap_err();
    let Error::Recursion { limit, chain, .. } = &endless else {
        panic!("{endless:?}");
    };
    assert_eq!((*limit, chain.len()), (16, 16));
    let text = endless.to_string();
    let told = "called each other more than 16 levels deep";
    assert_eq!(text.matches(told).count(), 1, "{text}");
    assert_eq!(text.matches("user_post_create -> `").count(), 16, "{text}");
    assert_eq!(stored(&mut session), [""; 0]);
}
