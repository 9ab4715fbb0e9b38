//! Inside, they could only be passed over in silence, and so are refused. A reading transaction
//! refuses writes.

use crate::database::*;
use lback::transaction::{Isolation, Lock};
use lback::{Error, TransactionOptions};
use lback_tests::{count, new_user, note};

mod heard {
    use super::*;

    own_users!();

    #[receiver(user_pre_create, user_pre_update, user_pre_delete)]
    fn listen() {}
}

mod unheard {
    use super::*;

    own_users!();
}

#[test]
fn inside_they_are_refused() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for options in [
        TransactionOptions::new().read_only(),
        TransactionOptions::new().deferrable(),
        TransactionOptions::new().isolation(Isolation::Serializable),
        TransactionOptions::new().lock(Lock::Exclusive),
    ] {
        session
            .transaction(|session| {
                let refused = session.transaction_with(&options, |_| lback::Result::Ok(()));
                assert!(
                    matches!(refused, Err(Error::Unsupported { .. })),
                    "{options:?}: {refused:?}"
                );
                session.transaction_with(&TransactionOptions::new(), |session| {
                    Ok::<_, Error>(note(session.conn(), "the defaults")?)
                })
            })
            .expect("the transaction goes on");
    }
    assert_eq!(lback_tests::notes(&mut session).len(), 4);
}

#[test]
fn outermost_they_are_in_force() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    for level in [
        Isolation::ReadUncommitted,
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ] {
        let options = TransactionOptions::new().isolation(level);
        session
            .transaction_with(&options, |session| {
                let user = unheard::Users.create(session, new_user("ada"))?;
                unheard::Users.delete(session, &user)
            })
            .expect("every level is accepted");
    }
    if NAME != "SQLite" {
        let options = TransactionOptions::new().lock(Lock::Exclusive);
        let refused = session.transaction_with(&options, |_| lback::Result::Ok(()));
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
    }
    if NAME != "PostgreSQL" {
        let options = TransactionOptions::new().deferrable();
        let refused = session.transaction_with(&options, |_| lback::Result::Ok(()));
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
    }
    assert!(!session.in_transaction());
    unheard::Users
        .create(&mut session, new_user("grace"))
        .expect("the session is in order");
}

fn refuses_writes<R>(users: &R, session: &mut Session, ada: &User)
where
    R: Repository<Connection = Native, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    for refused in [
        users.create(session, new_user("grace")).map(drop),
        users.update(session, ada, changes).map(drop),
        users.delete(session, ada),
    ] {
        assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");
    }
    let found = users.find(session, ada).expect("it may be read");
    assert_eq!(found.as_ref(), Some(ada));
}

#[test]
fn a_reading_one_refuses_writes() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let ada = unheard::Users
        .create(&mut session, new_user("ada"))
        .expect("it is valid");
    session
        .read(|session| {
            refuses_writes(&heard::Users, session, &ada);
            refuses_writes(&unheard::Users, session, &ada);
            session.transaction(|session| {
                refuses_writes(&heard::Users, session, &ada);
                lback::Result::Ok(())
            })
        })
        .expect("nothing else happened");
    let read_only = TransactionOptions::new().read_only();
    session
        .transaction_with(&read_only, |session| {
            refuses_writes(&unheard::Users, session, &ada);
            lback::Result::Ok(())
        })
        .expect("nothing else happened");
    // Others' writes are refused by the database.
    let refused = session.read(|session| {
        note(session.conn(), "sneaky")?;
        lback::Result::Ok(())
    });
    assert!(refused.is_err());
    assert_eq!(count("notes", &mut session), 0);

    unheard::Users
        .delete(&mut session, &ada)
        .expect("it is over by then");
}

#[test]
fn after_a_panic_in_a_reading_one_writes_work_again() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.read(|_| -> lback::Result<()> { std::panic::resume_unwind(Box::new(())) })
    }));
    assert!(panicked.is_err());
    note(session.conn(), "written").expect("writes work");
    unheard::Users
        .create(&mut session, new_user("ada"))
        .expect("writes work");
}

#[test]
fn reading_inside_of_a_writing_one_is_over_at_its_end() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    session
        .transaction(|session| {
            let refused = session.read(|session| unheard::Users.create(session, new_user("eve")));
            assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");
            unheard::Users.create(session, new_user("ada"))
        })
        .expect("it may write");
    assert_eq!(count("users", &mut session), 1);
}
