//! A DELETE with receivers takes no lock before it. A row that another transaction deletes between the
//! pre receivers and the DELETE is that one's, and nobody is told of it twice.

use std::sync::Mutex;

use lback::Error;
use lback_tests::{Trace, new_user};

use crate::database::*;

own_users!();

/// Somebody else, who deletes this user as soon as a pre receiver runs.
struct Rival(Mutex<Option<(Session, User)>>);

#[receiver(user_pre_delete)]
fn be_too_late(#[state] rival: &Rival) -> lback::Result<()> {
    let taken = rival.0.lock().expect("nobody panics").take();
    match taken {
        Some((mut session, user)) => quiet::Users.delete(&mut session, &user),
        None => Ok(()),
    }
}

#[receiver(user_post_delete, after_commit)]
fn deleted(user: &User, #[state] trace: &Trace) {
    trace.note(user.username.clone());
}

mod quiet {
    use crate::database::*;

    own_users!();
}

#[test]
fn alone_and_among_many() {
    let Some(database) = Database::fresh() else {
        return;
    };
    for is_alone in [true, false] {
        let mut session = database.session();
        let [ada, grace] =
            ["ada", "grace"].map(|name| quiet::Users.create(&mut session, new_user(name)).unwrap());
        let trace = Trace::new();
        let rival = Rival(Mutex::new(Some((database.session(), ada.clone()))));
        let mut session = session.with_state(trace.clone()).with_state(rival);
        let deleted = if is_alone {
            Users.delete(&mut session, &ada)
        } else {
            Users.delete_many(&mut session, [&grace, &ada])
        };
        let Err(Error::NotFound { key: Some(key), .. }) = deleted else {
            panic!("{deleted:?}");
        };
        assert_eq!(key, ada.id.to_string());
        assert_eq!(trace.take(), [""; 0]);
        assert_eq!(
            quiet::Users.count(&mut session).unwrap(),
            1,
            "grace was deleted all the same"
        );
        quiet::Users.delete(&mut session, &grace).unwrap();
    }
}
