//! What a claim costs does not depend on rows of receivers that the program has not, on dead letters, and on rows
//! that are held behind one: of 200,000 of those it looks at none, and takes its own by the index.

use std::sync::{Arc, Mutex};

use crate::database::*;
use diesel::connection::{InstrumentationEvent, SimpleConnection};
use lback::outbox::Undeliverable;
use lback_tests::{Trace, new_user};

own_users!();

#[receiver(user_post_create, durable, id = "own.tell")]
fn tell(user: &User, #[state] trace: &Trace) {
    trace.note(&user.username);
}

#[receiver(user_post_create, durable, id = "own.follow", ordered = |user: &User| &user.username)]
fn follow(user: &User) -> Result<(), Undeliverable> {
    match &*user.username {
        "held" => Err(Undeliverable("as it says".to_owned())),
        _ => Ok(()),
    }
}

/// Copies of the row of `own.tell`: 60,000 dead letters of its own, 60,000 that are due for a receiver that nobody
/// has, and 80,000 that are held behind the dead letter of their key.
fn add_rows_of_others(session: &mut Session) -> QueryResult<()> {
    let signal = if NAME == "MySQL" {
        "`signal`"
    } else {
        "signal"
    };
    let digits = vec!["SELECT 0 AS n"; 10]
        .into_iter()
        .enumerate()
        .map(|(n, part)| part.replace('0', &n.to_string()))
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let tables = ["k", "a", "b", "c", "d"].map(|name| format!("({digits}) {name}"));
    let tables = tables.join(", ");
    session.conn().batch_execute(&format!(
        "INSERT INTO lback_outbox (id, receiver, {signal}, version, generation, attempts, order_key, \
         payload, queued_at, due_at, dead_at) SELECT o.id, CASE WHEN k.n < 3 THEN o.receiver WHEN k.n < 6 \
         THEN 'own.nobody' ELSE 'own.follow' END, o.{signal}, o.version, o.generation, 1, CASE WHEN k.n \
         >= 6 THEN 'held' END, o.payload, o.queued_at, CASE WHEN k.n >= 3 AND k.n < 6 THEN o.due_at END, \
         CASE WHEN k.n < 3 THEN o.queued_at END FROM lback_outbox o, {tables}, (SELECT 0 AS n UNION ALL \
         SELECT 1) e WHERE o.receiver = 'own.tell'"
    ))
}

/// Statements about the outbox.
fn statements(session: &mut Session) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&seen);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                let text = text.split(" -- binds:").next().unwrap_or_default();
                if text.contains("lback_outbox") {
                    log.lock().expect("nobody panics").push(text.to_owned());
                }
            }
        });
    seen
}

#[test]
fn among_two_hundred_thousand() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    Users.create(&mut session, new_user("held"))?;
    assert_eq!(session.deliver_all()?.dead, 1);
    Users.create(&mut session, new_user("first"))?;
    add_rows_of_others(&mut session)?;
    for number in 0..31 {
        Users.create(&mut session, new_user(&format!("user{number}")))?;
    }
    trace.take();

    let seen = statements(&mut session);
    let before = rows_looked_at(session.conn());
    assert_eq!(session.deliver_all()?.done, 2 * 32);
    let looked_at = rows_looked_at(session.conn())
        .zip(before)
        .map(|(after, before)| after - before);
    assert_eq!(trace.take().len(), 32);
    // Each is looked at when it is claimed, updated, promoted and deleted.
    if let Some(looked_at) = looked_at {
        // MySQL's sweep reads all entries of an ordered receiver in the index, once, and no claim does.
        let swept = if NAME == "MySQL" { 80_100 } else { 0 };
        assert!(looked_at < swept + 20 * 2 * 32, "{looked_at} rows");
    }
    let depths = session.outbox().depths()?;
    let left: u64 = depths.iter().map(|it| it.ready + it.held + it.dead).sum();
    assert_eq!(left, 200_001, "{depths:?}");

    // SQLite counts no rows, and says how it finds them.
    if NAME == "SQLite" {
        let seen = seen.lock().expect("nobody panics").clone();
        let claims = seen.iter().filter(|text| text.contains("ORDER BY due_at"));
        assert!(claims.clone().count() >= 2, "{seen:?}");
        for text in claims {
            let plan = plan(&mut database.connection(), text);
            let by_due =
                "SEARCH o USING INDEX lback_outbox_due (receiver=? AND signal=? AND due_at<?)";
            assert!(plan.contains(by_due), "{text}: {plan}");
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{text}: {plan}"
            );
        }
    }
    Ok(())
}
