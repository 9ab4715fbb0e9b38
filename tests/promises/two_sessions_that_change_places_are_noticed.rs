//! `std::mem::swap` on two sessions inside a closure: an error, never a transaction that nobody ends,
//! an effect of what is not stored, or a scope that stays.

use std::mem::swap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use lback::Error;
use lback_tests::{Trace, new_user};

use crate::database::*;
use crate::promises::stored;

own_users!();

#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] trace: &Trace) {
    trace.note(format!("welcome {}", user.username));
}

fn two() -> Option<(Database, Session, Session, Trace)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let session = || database.session().with_state(trace.clone());
    let (one, other) = (session(), session());
    Some((database, one, other, trace))
}

#[test]
fn with_an_idle_one() {
    let Some((database, mut session, mut idle, trace)) = two() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        swap(session, &mut idle);
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    // What stands in `idle` now has the transaction open that nobody ends.
    let refused = Users.create(&mut idle, new_user("grace"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    drop(idle);
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
    // The other has done nothing.
    Users.create(&mut session, new_user("zoe")).unwrap();
    assert_eq!(trace.take(), ["welcome zoe"]);
}

#[test]
fn two_that_are_both_in_a_transaction() {
    let Some((database, mut one, mut other, trace)) = two() else {
        return;
    };
    if NAME == "SQLite" {
        // It has one writer at a time.
        return;
    }
    let done = one.transaction(|one| {
        Users.create(one, new_user("ada"))?;
        let inner = other.transaction(|other| {
            Users.create(other, new_user("grace"))?;
            swap(one, other);
            lback::Result::Ok(())
        });
        assert!(matches!(inner, Err(Error::SessionSwapped)), "{inner:?}");
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    drop((one, other));
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn one_that_is_replaced() {
    let Some((database, mut session, _idle, trace)) = two() else {
        return;
    };
    let done = session.transaction(|session| {
        Users.create(session, new_user("ada"))?;
        *session = database.session().with_state(trace.clone());
        lback::Result::Ok(())
    });
    assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
    assert_eq!(stored(&mut database.session()), [""; 0]);
    assert_eq!(trace.take(), [""; 0]);
}

#[test]
fn a_scope_does_not_pass_to_the_other() {
    let Some((_database, mut session, mut idle, trace)) = two() else {
        return;
    };
    session.mute_all(|session| swap(session, &mut idle));
    Users.create(&mut session, new_user("ada")).unwrap();
    assert_eq!(trace.take(), ["welcome ada"], "the other was never muted");
    let refused = Users.create(&mut idle, new_user("grace"));
    assert!(
        matches!(refused, Err(Error::SessionBroken)),
        "nobody can end the scope of the muted one: {refused:?}"
    );

    let Some((_database, mut session, mut idle, _trace)) = two() else {
        return;
    };
    let ((), recording) = session.record(|session| swap(session, &mut idle));
    assert!(recording.events().is_empty());
    session.with(7_u8, |session| swap(session, &mut idle));
}

/// A connection that goes back to whoever lent it.
struct Lent {
    connection: Option<Native>,
    home: Arc<Mutex<Option<Native>>>,
}

impl Deref for Lent {
    type Target = Native;

    fn deref(&self) -> &Native {
        self.connection.as_ref().expect("it is lent")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Native {
        self.connection.as_mut().expect("it is lent")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.home.lock().unwrap() = self.connection.take();
    }
}

/// A session that is taken out of its own closure ends there, and nothing stays open on its connection.
#[test]
fn one_whose_connection_was_lent() {
    for (is_taken, is_dropped) in [(false, false), (false, true), (true, false)] {
        let Some((database, other, _idle, trace)) = two() else {
            return;
        };
        let home = Arc::new(Mutex::new(None));
        let lent = Lent {
            connection: Some(database.connection()),
            home: Arc::clone(&home),
        };
        let mut session = if is_taken {
            Session::new(database.connection()).unwrap()
        } else {
            Session::from_guard(lent).unwrap()
        };
        session = session.with_state(trace.clone());
        let mut other = Some(other);
        let done = session.transaction(|session| {
            Users.create(session, new_user("ada"))?;
            let out = std::mem::replace(session, other.take().expect("it is asked once"));
            if is_dropped {
                drop(out);
            } else if let Some(connection) = out.into_connection() {
                *home.lock().unwrap() = Some(connection);
            }
            lback::Result::Ok(())
        });
        assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
        drop(session);
        let connection = home.lock().unwrap().take().expect("it came back");
        let mut next = Session::new(connection).expect("nothing is open on it");
        next = next.with_state(trace.clone());
        Users.create(&mut next, new_user("grace")).unwrap();
        assert_eq!(stored(&mut database.session()), ["grace"]);
        assert_eq!(trace.take(), ["welcome grace"]);
    }
}

/// The effects that waited behind the one that did it do not run, for the connection is not theirs: that is
/// reported, and nobody waits for them.
#[test]
fn by_an_effect() {
    let Some((database, session, idle, trace)) = two() else {
        return;
    };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let mut session = session.with_failure_handler(move |failure| {
        hear.lock().unwrap().push(failure.to_string());
    });
    let idle = Arc::new(Mutex::new(idle));
    let other = Arc::clone(&idle);
    let done = session.transaction(|session| {
        session.on_commit(move |session: &mut Session| swap(session, &mut *other.lock().unwrap()));
        Users.create(session, new_user("ada")).map(drop)
    });
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(stored(&mut database.session()), ["ada"]);
    assert_eq!(trace.take(), [""; 0]);
    drop(session);
    let refused = Users.create(&mut idle.lock().unwrap(), new_user("grace"));
    assert!(matches!(refused, Err(Error::SessionBroken)), "{refused:?}");
    drop(idle);
    let heard = heard.lock().unwrap();
    assert!(
        matches!(&heard[..], [one] if one.contains("it did not run")),
        "{heard:?}"
    );
}

/// In the middle of an operation, which goes on with the other: that one would commit by itself.
mod by_a_receiver {
    use super::*;

    own_users!();

    type Other = Arc<Mutex<Option<Session>>>;

    /// Changes places at the row with this name.
    struct Place(&'static str, Other);

    impl Place {
        fn swap(&self, username: &str, session: &mut Session) {
            if username == self.0 {
                let mut other = self.1.lock().expect("nobody panics");
                swap(session, other.as_mut().expect("it was given"));
            }
        }
    }

    #[receiver(user_pre_create)]
    fn before(data: &NewUser, session: &mut Session, #[state] place: Option<&Place>) {
        if let Some(place) = place {
            place.swap(&data.username, session);
        }
    }

    #[receiver(user_post_create)]
    fn after(
        user: &User,
        session: &mut Session,
        #[state] place: Option<&Place>,
        #[state] trace: &Trace,
    ) {
        match (user.username.strip_prefix('x'), place) {
            (Some(name), Some(place)) => place.swap(name, session),
            (None, Some(_)) => trace.note(format!("after {}", user.username)),
            _ => {}
        }
    }

    #[receiver(user_pre_update, user_post_update, user_pre_delete, user_post_delete)]
    fn at_each(
        user: &User,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] place: Option<&Place>,
        #[state] trace: &Trace,
    ) {
        trace.note(format!("{} {}", signal.name(), user.username));
        if let Some(place) = place {
            place.swap(signal.name(), session);
        }
    }

    #[receiver(user_post_create, after_commit)]
    fn greet(user: &User, #[state] trace: &Trace) {
        trace.note(format!("greet {}", user.username));
    }

    fn check<T: std::fmt::Debug>(
        at: &'static str,
        create: impl FnOnce(&mut Session) -> lback::Result<T>,
    ) {
        let Some((database, session, idle, trace)) = two() else {
            return;
        };
        let other = Other::new(Mutex::new(Some(idle)));
        let mut session = session.with_state(Place(at, Arc::clone(&other)));
        let done = create(&mut session);
        assert!(matches!(done, Err(Error::SessionSwapped)), "{done:?}");
        drop(other.lock().expect("nobody panics").take());
        drop(session);
        assert_eq!(stored(&mut database.session()), [""; 0], "{at}");
        assert_eq!(trace.take(), [""; 0], "{at}");
    }

    #[test]
    fn before_a_row_is_written() {
        check("ada", |session| Users.create(session, new_user("ada")));
        check("ada", |session| {
            Users.create_many(session, ["ada", "grace"].map(new_user))
        });
    }

    /// Nobody is called for the rows behind it with the session that stands there now.
    #[test]
    fn among_rows_that_are_changed_or_deleted() {
        for at in [
            "user_pre_update",
            "user_post_update",
            "user_pre_delete",
            "user_post_delete",
        ] {
            let Some((database, session, idle, trace)) = two() else {
                return;
            };
            let users = database
                .session()
                .mute_all(|session| Users.create_many(session, ["ada", "grace"].map(new_user)))
                .expect("stored");
            let other = Other::new(Mutex::new(Some(idle)));
            let mut session = session.with_state(Place(at, Arc::clone(&other)));
            let changes = UserChanges {
                is_active: Some(false),
                ..UserChanges::default()
            };
            let done = if at.ends_with("update") {
                Users.update_many(&mut session, &users, changes).map(drop)
            } else {
                Users.delete_many(&mut session, &users).map(drop)
            };
            assert!(matches!(done, Err(Error::SessionSwapped)), "{at}: {done:?}");
            drop(other.lock().expect("nobody panics").take());
            drop(session);
            assert_eq!(stored(&mut database.session()), ["ada", "grace"], "{at}");
            assert_eq!(trace.take().last(), Some(&format!("{at} ada")));
        }
    }

    #[test]
    fn after_the_first_of_many_was_written() {
        check("ada", |session| {
            Users.create_many(session, ["xada", "grace"].map(new_user))
        });
    }
}
