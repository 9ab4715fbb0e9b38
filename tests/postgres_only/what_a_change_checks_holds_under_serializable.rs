//! A receiver of changes sees its own transaction. Two that each leave one doctor on call, and together
//! none, are both right under READ COMMITTED (write skew); under SERIALIZABLE one of them is refused, and
//! can be retried.

use std::sync::Barrier;

use crate::database::*;
use lback::transaction::Isolation;
use lback::{TransactionOptions, Validate};

diesel::table! {
    doctors (id) {
        id -> BigInt,
        on_call -> Bool,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = doctors)]
pub(crate) struct Doctor {
    id: i64,
    on_call: bool,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = doctors)]
pub(crate) struct DoctorChanges {
    on_call: Option<bool>,
}

impl Validate for Doctor {}
impl Validate for DoctorChanges {}

own_repository!(
    Doctors: entity = Doctor,
    table = doctors,
    insert = Doctor,
    update = DoctorChanges,
    changes
);

/// Both transactions have looked before either commits.
struct Meeting(Barrier);

#[receiver(doctor_changed)]
fn somebody_is_on_call(
    session: &mut Session,
    #[state] meeting: &Meeting,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let on_call: i64 = doctors::table
        .filter(doctors::on_call.eq(true))
        .count()
        .get_result(session.conn())?;
    meeting.0.wait();
    match on_call {
        0 => Err(Veto::new("somebody has to be on call").into()),
        _ => Ok(()),
    }
}

/// Two go home at the same time; how it ended for each, and how many are left.
fn two_go_home(isolation: Isolation) -> Option<(Vec<lback::Result<Doctor>>, i64)> {
    let database = Database::fresh()?;
    let meeting = std::sync::Arc::new(Meeting(Barrier::new(2)));
    let mut session = database.session();
    diesel::sql_query("CREATE TABLE doctors (id BIGINT PRIMARY KEY, on_call BOOLEAN NOT NULL)")
        .execute(session.conn())
        .expect("the table is new");
    let both = [1, 2].map(|id| Doctor { id, on_call: true });
    let stored = session.mute_all(|session| Doctors.create_many(session, both));
    stored.expect("they are new");

    let options = TransactionOptions::new().isolation(isolation);
    let ends = std::thread::scope(|scope| {
        let each = [1, 2].map(|id| {
            let session = database.session().with_shared_state(meeting.clone());
            let options = &options;
            scope.spawn(move || {
                let mut session = session;
                session.transaction_with(options, |session| {
                    let home = DoctorChanges {
                        on_call: Some(false),
                    };
                    Doctors.update(session, id, home)
                })
            })
        });
        each.map(|thread| thread.join().expect("nobody panics"))
            .into()
    });
    let left = doctors::table
        .filter(doctors::on_call.eq(true))
        .count()
        .get_result(session.conn())
        .expect("the table is there");
    Some((ends, left))
}

#[test]
fn and_not_under_read_committed() {
    let Some((ends, left)) = two_go_home(Isolation::ReadCommitted) else {
        return;
    };
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    assert_eq!(left, 0, "each saw the other on call");
}

#[test]
fn where_one_of_two_is_refused() {
    let Some((ends, left)) = two_go_home(Isolation::Serializable) else {
        return;
    };
    let refused: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    assert_eq!(refused.len(), 1, "{ends:?}");
    assert!(refused[0].is_retryable(), "{}", refused[0]);
    assert_eq!(left, 1);
}
