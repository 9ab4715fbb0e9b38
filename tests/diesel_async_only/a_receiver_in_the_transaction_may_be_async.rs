//! A receiver in the transaction may be `async`, and take the connection as its helpers do. Plain ones and
//! `async` ones run in one order, what they write stands and falls with the row, and one that waits may
//! call a repository, whose receivers wait too. Their futures need not be `Send`.

use std::rc::Rc;

use lback::{Error, Veto};
use lback_tests::{Trace, new_user, notes, notes_table};

use super::{deadpool, runtimes};
use crate::database::*;
use crate::promises::stored;

own_users!();

/// A helper of an application on diesel-async.
async fn write(conn: &mut AsyncPgConnection, what: &str) -> QueryResult<()> {
    let line = notes_table::what.eq(what);
    let insert = diesel::insert_into(notes_table::table).values(line);
    diesel_async::RunQueryDsl::execute(insert, conn).await?;
    Ok(())
}

#[receiver(user_pre_create, order = 1)]
async fn tidy(data: &mut NewUser, #[state] trace: &Trace) -> Result<(), Veto> {
    tokio::task::yield_now().await;
    if data.username == "nobody" {
        return Err(Veto::new("nobody is nobody"));
    }
    data.username = data.username.trim().to_owned();
    trace.note("tidy");
    Ok(())
}

#[receiver(user_post_create, order = 1)]
async fn audit(
    user: &User,
    conn: &mut AsyncPgConnection,
    #[state] trace: &Trace,
) -> QueryResult<()> {
    // Not `Send`, across an `.await`.
    let line = Rc::new(format!("async {}", user.username));
    write(conn, &line).await?;
    trace.note(&*line);
    Ok(())
}

#[receiver(user_post_create, order = 2)]
fn plain(user: &User, conn: &mut Native, #[state] trace: &Trace) -> QueryResult<()> {
    let line = format!("plain {}", user.username);
    lback_tests::note(conn, &line)?;
    trace.note(line);
    Ok(())
}

#[receiver(user_post_create, order = 3)]
async fn shadow(user: &User, session: &mut Session) -> lback::Result<()> {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    if !user.username.contains("shadow") {
        let name = format!("shadow of {}", user.username);
        // Its receivers wait inside of this one's waiting.
        Users.create(session, new_user(&name))?;
        session.wait(async |conn| write(conn, &format!("behind {name}")).await)?;
    }
    Ok(())
}

#[receiver(user_post_create, order = 4)]
async fn refuse(user: &User) -> Result<(), Veto> {
    if user.username.contains("eve") {
        return Err(Veto::new("not her"));
    }
    Ok(())
}

#[receiver(user_post_update, order = 1, on_error = "isolate")]
async fn fail_alone(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    write(conn, "to be forgotten").await?;
    diesel_async::SimpleAsyncConnection::batch_execute(conn, "SELECT no_such_column").await
}

#[test]
fn in_one_order_and_one_transaction_on_every_runtime() -> lback::Result<()> {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let pool = deadpool(&database, 1);
        let trace = Trace::new();
        let ada = runtime.block_on(async {
            let state = trace.clone();
            let conn = pool.get().await.expect("the server answers");
            lback::diesel_async::run(conn, move |session| {
                session.with(state, |session| {
                    session.transaction(|session| {
                        let ada = Users.create(session, new_user(" ada "))?;
                        session.wait(async |conn| write(conn, "by hand").await)?;
                        lback::Result::Ok(ada)
                    })
                })
            })
            .await
        })?;
        assert_eq!(ada.username, "ada");
        assert_eq!(
            trace.take(),
            [
                "tidy",
                "async ada",
                "plain ada",
                "tidy",
                "async shadow of ada",
                "plain shadow of ada"
            ]
        );
        let mut session = database.session();
        assert_eq!(stored(&mut session), ["ada", "shadow of ada"]);
        assert_eq!(
            notes(&mut session),
            [
                "async ada",
                "plain ada",
                "async shadow of ada",
                "plain shadow of ada",
                "behind shadow of ada",
                "by hand"
            ]
        );
    }
    Ok(())
}

#[test]
fn and_what_it_refuses_leaves_nothing() -> lback::Result<()> {
    for runtime in runtimes() {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        let pool = deadpool(&database, 1);
        for name in ["nobody", "eve"] {
            let refused = runtime.block_on(async {
                let conn = pool.get().await.expect("the server answers");
                lback::diesel_async::run(conn, move |session| {
                    session.with(Trace::new(), |session| {
                        Users.create(session, new_user(name))
                    })
                })
                .await
            });
            assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
        }
        let mut session = database.session();
        assert_eq!(stored(&mut session), [""; 0]);
        assert_eq!(notes(&mut session), [""; 0]);
    }
    Ok(())
}

#[test]
fn and_may_fail_alone() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session().with_state(Trace::new());
    let ada = Users.create(&mut session, new_user("ada"))?;
    let before = notes(&mut session);
    let changes = UserChanges {
        is_active: Some(false),
        ..UserChanges::default()
    };
    let ada = Users.update(&mut session, &ada, changes)?;
    assert!(!ada.is_active);
    assert_eq!(notes(&mut session), before);
    assert_eq!(session.take_failures().count, 1);
    Ok(())
}

#[test]
fn and_is_listed_as_such() -> lback::Result<()> {
    let listed = lback::receivers()?.to_string();
    let line = listed
        .lines()
        .find(|line| line.contains("a_receiver_in_the_transaction_may_be_async::audit"));
    assert!(line.is_some_and(|line| line.contains("async")), "{line:?}");
    Ok(())
}
