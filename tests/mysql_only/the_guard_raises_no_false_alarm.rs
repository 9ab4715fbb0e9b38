//! The connection may be lent out at any level, in any order: as long as nothing ends the
//! transaction, it commits, and the connection commits by itself again afterwards.

use diesel::dsl::sql;
use diesel::sql_types::Bool;

use crate::database::*;
use crate::promises::{refused, traced};
use lback_tests::{note, notes};

fn nested(session: &mut Session, what: &str, lasts: bool) {
    let inner = session.transaction(|session| {
        note(session.conn(), what)?;
        if lasts { Ok(()) } else { Err(refused()) }
    });
    assert_eq!(inner.is_ok(), lasts, "{inner:?}");
}

fn commits_by_itself(session: &mut Session) -> bool {
    diesel::select(sql::<Bool>("@@autocommit"))
        .get_result(session.conn())
        .expect("the server answers")
}

/// Lends the connection out first, in the middle or last, around levels that last or do not.
#[test]
fn whichever_level_it_was_set_in() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };
    for lent in 0..8 {
        for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut expected = Vec::new();
            session.transaction(|session| {
                let mut lend = |session: &mut Session, when: u8| {
                    if lent & when != 0 {
                        note(session.conn(), "outer").expect("the table is there");
                        expected.push("outer");
                    }
                };
                lend(session, 1);
                nested(session, "first", first);
                lend(session, 2);
                nested(session, "second", second);
                lend(session, 4);
                lback::Result::Ok(())
            })?;
            let mut rows = notes(&mut session);
            rows.retain(|row| row == "outer");
            assert_eq!(rows, expected);
            assert!(commits_by_itself(&mut session));
            diesel::sql_query("DELETE FROM notes").execute(session.conn())?;
        }
    }
    Ok(())
}

#[test]
fn two_levels_down() -> lback::Result<()> {
    let Some((_database, mut session, _)) = traced() else {
        return Ok(());
    };
    session.transaction(|session| {
        session.transaction(|session| {
            nested(session, "deep", true);
            nested(session, "deep and lost", false);
            note(session.conn(), "middle")?;
            nested(session, "deep again", true);
            lback::Result::Ok(())
        })?;
        nested(session, "beside", true);
        lback::Result::Ok(())
    })?;
    assert_eq!(
        notes(&mut session),
        ["deep", "middle", "deep again", "beside"]
    );
    assert!(commits_by_itself(&mut session));
    Ok(())
}

#[test]
fn after_an_error_and_after_a_panic() -> lback::Result<()> {
    let Some((database, mut session, _)) = traced() else {
        return Ok(());
    };
    let failed = session.transaction(|session| {
        note(session.conn(), "lost")?;
        Err::<(), _>(refused())
    });
    assert!(failed.is_err());
    assert!(commits_by_itself(&mut session));
    crate::promises::panic_of(|| {
        session.transaction(|session| -> lback::Result<()> {
            note(session.conn(), "lost")?;
            panic!("inside")
        })
    });
    assert!(commits_by_itself(&mut session));
    note(session.conn(), "kept")?;
    assert_eq!(notes(&mut database.session()), ["kept"]);
    Ok(())
}
