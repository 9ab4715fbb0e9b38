//! A session can stand in a struct that derives `Debug`; it says where it stands, and nothing that it
//! holds.

use super::traced;

#[test]
fn but_where_it_stands() -> lback::Result<()> {
    let Some((_database, session, _)) = traced() else {
        return Ok(());
    };
    let mut session = session.with_state(String::from("a secret of the application"));
    let text = format!("{session:?}");
    assert!(text.contains("in_transaction: false"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    session.transaction(|session| {
        let text = format!("{session:?}");
        assert!(text.contains("in_transaction: true"), "{text}");
        lback::Result::Ok(())
    })
}
