//! Where a signal is in sight, variables, parameters and patterns may have its name.

use lback_tests::Trace;

use crate::database::*;

#[lback::signal]
pub(crate) struct Favorited<'a> {
    pub(crate) article: i32,
    pub(crate) session: &'a mut Session,
}

#[receiver(favorited)]
fn note(article: i32, #[state] trace: &Trace) {
    trace.note(format!("favorited {article}"));
}

struct Answer {
    favorited: bool,
}

fn as_parameter(favorited: Option<bool>) -> Answer {
    if let Some(favorited) = favorited {
        return Answer { favorited };
    }
    let favorited = false;
    Answer { favorited }
}

#[test]
fn variables_may_have_it_and_it_still_names_the_signal() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = super::traced() else {
        return Ok(());
    };
    let Answer { favorited: answer } = as_parameter(Some(true));
    assert!(answer && !as_parameter(None).favorited);
    match Some(answer) {
        Some(favorited) => assert!(favorited),
        None => unreachable!(),
    }

    let send = |session: &mut Session| {
        let article = 7;
        Favorited { article, session }.send()
    };
    let (sent, recording) = session.record(send);
    sent?;
    recording.assert_sent_times(favorited, 1);
    recording.in_order().sent(favorited).ran(note);
    lback::testing::assert_registered(note, favorited);
    session.mute(favorited, send)?;
    session.mute(user_post_create, send)?;
    assert_eq!(trace.take(), ["favorited 7", "favorited 7"]);
    Ok(())
}
