//! When the answer to the COMMIT of an exactly-once delivery is lost, the row was delivered or it was not: the session
//! is broken, and whoever comes next delivers what is left, once.

use crate::database::*;
use crate::server_only::pool;
use diesel::connection::SimpleConnection;
use lback_tests::proxy::Cut;
use lback_tests::{Trace, count, new_user, note, notes};

own_users!();

#[receiver(user_post_create, durable, id = "answer.once")]
fn write_down(user: &User, conn: &mut Native) -> QueryResult<()> {
    note(conn, &user.username)
}

#[test]
fn whether_or_not_the_server_had_executed_it() -> lback::Result<()> {
    for cut in [Cut::After, Cut::Before] {
        let Some(database) = Database::with_outbox() else {
            return Ok(());
        };
        let (proxy, url) = database.through_a_proxy();
        let mut direct = database.session();
        Users.create(&mut direct, new_user("ada"))?;

        let mut session = pool(&url, &Trace::new()).session()?;
        // On MySQL, a claim is a transaction too.
        proxy.cut_later(cut, "COMMIT", (NAME == "MySQL").into());
        let lost = session.deliver_all();
        assert!(proxy.has_cut());
        assert!(lost.is_err(), "{lost:?}");

        assert_eq!(
            notes(&mut direct).len(),
            usize::from(cut == Cut::After),
            "{cut:?}"
        );
        // As when its lease is over.
        direct
            .conn()
            .batch_execute("UPDATE lback_outbox SET lease = NULL")?;
        direct.deliver_all()?;
        assert_eq!(notes(&mut direct), ["ada"], "{cut:?}");
        assert_eq!(count("lback_outbox", &mut direct), 0);
    }
    Ok(())
}
