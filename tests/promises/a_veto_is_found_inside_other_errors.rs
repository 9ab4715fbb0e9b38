//! Whatever error carries a veto, and from however deep: the caller gets `Vetoed`, with what was
//! said and by whom.

use std::error::Error as StdError;
use std::fmt;

use crate::database::*;
use lback::{BoxError, Error};
use lback_tests::{count, new_user};

own_users!();

#[derive(Debug)]
struct Context(&'static str, BoxError);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Context {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.1.as_ref())
    }
}

#[receiver(user_pre_create, order = 1)]
fn refuse(data: &NewUser) -> Result<(), BoxError> {
    let veto = Veto::new("not this one").field("username");
    match data.username.as_str() {
        "plain" => Err(veto.into()),
        "in one" => Err(Context("outer", veto.into()).into()),
        "in two" => Err(Context("outer", Context("inner", veto.into()).into()).into()),
        "failed" => Err(Context("outer", "no veto at all".into()).into()),
        _ => Ok(()),
    }
}

#[receiver(user_pre_create, order = 2)]
fn invite(data: &NewUser, session: &mut Session) -> Result<(), BoxError> {
    let Some(guest) = data.username.strip_prefix("host of ") else {
        return Ok(());
    };
    Users.create(session, new_user(guest))?;
    Ok(())
}

#[receiver(user_pre_create, order = 3)]
fn invite_with_context(data: &NewUser, session: &mut Session) -> Result<(), Context> {
    let Some(guest) = data.username.strip_prefix("careful host of ") else {
        return Ok(());
    };
    Users
        .create(session, new_user(guest))
        .map(drop)
        .map_err(|error| Context("no guest", error.into()))
}

fn refusal(name: &str) -> Option<Error> {
    let database = Database::fresh()?;
    let mut session = database.session();
    let refused = Users.create(&mut session, new_user(name));
    assert_eq!(count("users", &mut session), 0);
    Some(refused.expect_err("it is refused"))
}

fn causes(error: &Error) -> Vec<String> {
    std::iter::successors(error.source(), |&error| error.source())
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn assert_vetoed(error: &Error, by: &str) {
    let Error::Vetoed {
        receiver,
        message,
        field,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(message, "not this one");
    assert_eq!(field.as_deref(), Some("username"));
    assert!(receiver.id.ends_with(by), "{}", receiver.id);
}

#[test]
fn one_or_two_errors_deep() {
    for (name, sources) in [
        ("plain", &[] as &[&str]),
        ("in one", &["outer", "username: not this one"]),
        ("in two", &["outer", "inner", "username: not this one"]),
    ] {
        let Some(error) = refusal(name) else {
            return;
        };
        assert_vetoed(&error, "::refuse");
        assert_eq!(causes(&error), sources, "{name}");
    }
}

#[test]
fn of_a_nested_operation() {
    let Some(error) = refusal("host of plain") else {
        return;
    };
    assert_vetoed(&error, "::refuse");
    let Some(error) = refusal("host of host of in two") else {
        return;
    };
    assert_vetoed(&error, "::refuse");
}

#[test]
fn of_a_nested_operation_with_context() {
    let Some(error) = refusal("careful host of plain") else {
        return;
    };
    let text = format!("{error:?}");
    assert!(
        matches!(&error, Error::Vetoed { message, .. } if message == "not this one"),
        "{text}"
    );
    assert!(text.contains("::refuse"), "who vetoed is lost: {text}");
}

#[test]
fn and_an_error_without_one_is_a_failure() {
    let Some(error) = refusal("failed") else {
        return;
    };
    assert!(matches!(error, Error::ReceiverFailed { .. }), "{error:?}");
    assert_eq!(causes(&error), ["outer", "no veto at all"]);
}
