//! A DELETE with receivers takes no lock before it. A row that another transaction deletes between the
//! pre receivers and the DELETE is that one's, and nobody is told of it twice.

use std::sync::Mutex;

use lback::Error;
use lback_tests::{Trace, count, new_user};

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

/// Who comes too late in the caller's transaction has written nothing in it.
#[test]
fn in_a_transaction_that_goes_on() -> lback::Result<()> {
    let Some(database) = Database::fresh() else {
        return Ok(());
    };
    let mut session = database.session();
    let ada = quiet::Users.create(&mut session, new_user("ada"))?;
    let rival = Rival(Mutex::new(Some((database.session(), ada.clone()))));
    let trace = Trace::new();
    let mut session = session.with_state(trace.clone()).with_state(rival);
    session.transaction(|session| {
        assert!(!Users.delete_if_there(session, &ada)?);
        quiet::Users.create(session, new_user("grace")).map(drop)
    })?;
    assert_eq!(quiet::Users.count(&mut session)?, 1);
    assert_eq!(trace.take(), [""; 0]);
    Ok(())
}

mod replies {
    use super::*;
    use diesel::connection::SimpleConnection as _;

    diesel::table! {
        posts (id) {
            id -> BigInt,
            parent -> Nullable<BigInt>,
        }
    }

    #[derive(Clone, Debug, Queryable, Selectable, Identifiable, Insertable)]
    #[diesel(table_name = posts)]
    pub struct Post {
        pub id: i64,
        pub parent: Option<i64>,
    }

    impl Validate for Post {}

    own_repository!(Posts: entity = Post, table = posts, insert = Post, given_key = id);

    #[receiver(post_post_delete, after_commit)]
    fn gone(post: &Post, #[state] trace: &Trace) {
        trace.note(post.id.to_string());
    }

    /// Then what is gone may have been taken by a receiver, or by another session: only a lock tells.
    #[receiver(post_pre_delete)]
    fn audit(post: &Post, conn: &mut Native) -> QueryResult<usize> {
        diesel::sql_query(format!("INSERT INTO audit VALUES ({})", post.id)).execute(conn)
    }

    const ROWS: i64 = 40;

    /// Of some who delete the same rows at once, each row is told by one; also where rows may go along with
    /// others, and where others go along with them.
    #[test]
    fn by_many_at_once_whatever_cascades() {
        let other_table = "CREATE TABLE likes (post BIGINT REFERENCES posts ON DELETE CASCADE)";
        for ddl in [
            &format!("CREATE TABLE posts (id BIGINT PRIMARY KEY, parent BIGINT); {other_table}"),
            "CREATE TABLE threads (id BIGINT PRIMARY KEY);
             CREATE TABLE posts (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES threads ON DELETE CASCADE)",
            "CREATE TABLE posts (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES posts ON DELETE CASCADE)",
        ] {
            let Some(database) = Database::empty() else {
                return;
            };
            let audit = "CREATE TABLE audit (post BIGINT)";
            database.connection().batch_execute(&format!("{ddl}; {audit}")).unwrap();
            let trace = Trace::new();
            let has_parents = ddl.contains("REFERENCES posts ON") && !ddl.contains("likes");
            let posts = (0..ROWS).map(|id| Post {
                id,
                parent: (has_parents && id % 4 > 0).then_some(id - id % 4),
            });
            Posts.create_many(&mut database.session(), posts).unwrap();
            std::thread::scope(|scope| {
                for worker in 0..6_i64 {
                    let (database, trace) = (&database, &trace);
                    scope.spawn(move || {
                        let mut session = database.session().with_state(trace.clone());
                        for first in (0..ROWS).step_by(4) {
                            let keys = (0..4).map(|place| first + (place + worker) % 4);
                            let keys: Vec<_> = keys.collect();
                            loop {
                                match Posts.delete_many(&mut session, keys.clone()) {
                                    Ok(()) | Err(Error::NotFound { .. }) => break,
                                    Err(error) if error.is_retryable() => {}
                                    Err(error) => panic!("{error:?}"),
                                }
                            }
                        }
                    });
                }
            });
            let mut told = trace.take();
            told.sort_by_key(|id| id.parse::<i64>().unwrap());
            let left = Posts.count(&mut database.session()).unwrap();
            let distinct: std::collections::BTreeSet<_> = told.iter().collect();
            assert_eq!(distinct.len(), told.len(), "{ddl}: {told:?}");
            assert_eq!(left, 0, "{ddl}");
            assert_eq!(count("audit", &mut database.session()), ROWS, "{ddl}");
            assert_eq!(told.len(), usize::try_from(ROWS).unwrap(), "{ddl}");
        }
    }
}
