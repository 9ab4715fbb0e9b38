//! What a session has to know of its server is asked once for a pool, and not in every session; a new
//! connection may be to another server, and so asks anew.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use lback_tests::new_user;

use crate::database::*;

own_users!();

#[derive(Clone, Default)]
struct Questions(Arc<Mutex<usize>>);

impl Questions {
    fn take(&self) -> usize {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Instrumentation for Questions {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && query.to_string().contains("auto_increment")
        {
            *self.0.lock().unwrap() += 1;
        }
    }
}

#[test]
fn for_all_its_sessions() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let questions = Questions::default();
    let watch = questions.clone();
    let pool = lback::Database::<Native>::builder()
        .max_size(2)
        .on_connect(move |conn| {
            conn.set_instrumentation(watch.clone());
            Ok(())
        })
        .connect(&database.url())?;
    // Both connections are there before anything is asked.
    let (mut one, mut two) = (pool.session()?, pool.session()?);
    questions.take();

    Users.create(&mut one, new_user("ada"))?;
    assert_eq!(
        questions.take(),
        1,
        "nobody looked whether the server makes the keys"
    );
    Users.create(&mut one, new_user("grace"))?;
    Users.create(&mut two, new_user("barbara"))?;
    drop((one, two));
    Users.create(&mut pool.session()?, new_user("edith"))?;
    assert_eq!(questions.take(), 0, "asked again");

    let mut broken = pool.session()?;
    let id: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "connection_id()",
    ))
    .get_result(broken.conn())?;
    diesel::sql_query(format!("KILL {id}")).execute(&mut database.connection())?;
    assert!(Users.count(&mut broken).is_err());
    drop(broken);
    let (mut one, mut two) = (pool.session()?, pool.session()?);
    Users.create(&mut one, new_user("joan"))?;
    Users.create(&mut two, new_user("ida"))?;
    assert_eq!(questions.take(), 1, "a new connection asks once");
    Ok(())
}
