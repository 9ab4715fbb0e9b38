//! A durable receiver that sends the signal it hears does not go on for ever: rows say how many came before
//! them, and the bound of generations holds for them as for effects.

use crate::database::*;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "generations.more", max_attempts = 1)]
fn more(user: &User, session: &mut Session, #[state] trace: &Trace) -> lback::Result<()> {
    trace.note(&user.username);
    Users.create(session, new_user(&format!("{}+", user.username)))?;
    Ok(())
}

#[test]
fn a_loop_ends() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database
        .session()
        .with_state(trace.clone())
        .with_max_generations(3);
    Users.create(&mut session, new_user("ada"))?;
    let delivered = session.deliver_all()?;
    assert_eq!((delivered.done, delivered.dead), (2, 1));
    assert_eq!(trace.take(), ["ada", "ada+", "ada++"]);
    let letter = session.outbox().dead_letters(1)?.remove(0);
    assert!(letter.error.contains("effects"), "{}", letter.error);
    Ok(())
}

mod of_a_delivery_alone {
    use super::*;

    own_users!();

    #[receiver(user_post_create, durable, id = "generations.plain")]
    fn plain(user: &User, #[state] trace: &Trace) {
        trace.note(&user.username);
    }

    #[test]
    fn what_comes_after_a_delivery_is_not_caused_by_it() -> lback::Result<()> {
        let Some(database) = Database::with_outbox() else {
            return Ok(());
        };
        let trace = Trace::new();
        let mut session = database
            .session()
            .with_state(trace.clone())
            .with_max_generations(2);
        for name in ["ada", "bob", "eve", "grace"] {
            Users.create(&mut session, new_user(name))?;
            assert_eq!(session.deliver_all()?.done, 1);
            assert_eq!(trace.take(), [name]);
        }
        Ok(())
    }
}
