//! A key may have two to four columns: whatever a repository does by a key it does by their tuple, and
//! a row is named by itself or by that.

use diesel::connection::SimpleConnection;
use lback::{Error, Page};
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    seats (hall, line, number) {
        hall -> VarChar,
        line -> Integer,
        number -> BigInt,
        guest -> Nullable<VarChar>,
        price -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = seats, primary_key(hall, line, number))]
pub struct Seat {
    pub hall: String,
    pub line: i32,
    pub number: i64,
    pub guest: Option<String>,
    pub price: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = seats)]
pub struct NewSeat {
    pub hall: String,
    pub line: i32,
    pub number: i64,
    pub price: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = seats)]
pub struct SeatChanges {
    pub guest: Option<String>,
    pub number: Option<i64>,
}

impl Validate for NewSeat {}
impl Validate for SeatChanges {}

own_repository!(Seats: entity = Seat, table = seats, insert = NewSeat, update = SeatChanges, given_key = (hall, line, number));

mod silent {
    use super::*;
    own_repository!(Seats: entity = Seat, table = seats, insert = NewSeat, update = SeatChanges, given_key = (hall, line, number), shared_entity);
}

#[receiver(seat_post_create, seat_pre_update, seat_post_update, seat_pre_delete)]
fn seen(seat: &Seat, signal: &SignalInfo, #[state] trace: &Trace) {
    let Seat { line, number, .. } = seat;
    trace.note(format!("{} {line}/{number}", signal.name()));
}

#[receiver(seat_post_delete)]
fn gone(seat_id: (String, i32, i64), #[state] trace: &Trace) {
    trace.note(format!("gone {seat_id:?}"));
}

fn opened() -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let table = "CREATE TABLE seats (hall VARCHAR(20) NOT NULL, line INTEGER NOT NULL, number BIGINT NOT NULL, \
                 guest VARCHAR(20), price INTEGER NOT NULL DEFAULT 10, PRIMARY KEY (hall, line, number))";
    database.connection().batch_execute(table).unwrap();
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn seat(line: i32, number: i64) -> NewSeat {
    NewSeat {
        hall: "A".into(),
        line,
        number,
        price: None,
    }
}

fn key(line: i32, number: i64) -> (String, i32, i64) {
    ("A".into(), line, number)
}

fn guest(name: &str) -> SeatChanges {
    SeatChanges {
        guest: Some(name.into()),
        number: None,
    }
}

macro_rules! checks {
    ($name:ident, $seats:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session, trace)) = opened() else {
                return Ok(());
            };
            let session = &mut session;
            let one = $seats.create(session, seat(1, 7))?;
            assert_eq!(one.price, 10, "defaults are filled in");
            $seats.create(session, seat(7, 1))?;

            // By the tuple, and by the row; the others stay as they are.
            let one = $seats.update(session, key(1, 7), guest("ada"))?;
            assert_eq!(one.guest.as_deref(), Some("ada"));
            let one = $seats.update(session, &one, guest("grace"))?;
            assert_eq!($seats.find(session, &one)?, Some(one.clone()));
            let other = $seats.find(session, key(7, 1))?.expect("it is there");
            assert_eq!(other.guest, None);
            assert!(!$seats.exists(session, key(1, 1))?);

            // The key may change.
            let moved = SeatChanges {
                number: Some(8),
                guest: None,
            };
            let one = $seats.update(session, &one, moved)?;
            assert_eq!(one.number, 8);
            assert_eq!($seats.find(session, key(1, 7))?, None);

            // In bulk, in the order of the input.
            let many: Vec<_> = (0..60)
                .map(|number| seat(2 + number % 3, 100 - i64::from(number)))
                .collect();
            let made = $seats.create_many(session, many.clone())?;
            let told: Vec<_> = made.iter().map(|it| (it.line, it.number)).collect();
            let asked: Vec<_> = many.iter().map(|it| (it.line, it.number)).collect();
            assert_eq!(told, asked);
            let found =
                $seats.find_many(session, [key(4, 98), key(9, 9), key(2, 100), key(4, 98)])?;
            let found: Vec<_> = found
                .iter()
                .map(|it| it.as_ref().map(|it| it.number))
                .collect();
            assert_eq!(found, [Some(98), None, Some(100), Some(98)]);
            let changed = $seats.update_many(session, &made, guest("all"))?;
            assert_eq!(changed.len(), 60);
            assert!(changed.iter().all(|it| it.guest.as_deref() == Some("all")));
            assert_eq!($seats.count(session)?, 62);
            let first: Vec<_> = $seats
                .list(session, Page::new(0, 2))?
                .iter()
                .map(|it| it.line)
                .collect();
            assert_eq!(first, [1, 2], "by key");
            $seats.delete_many(session, &made)?;
            assert_eq!($seats.count(session)?, 2);

            // Errors print it.
            let refused = $seats.create(session, seat(7, 1));
            let Err(Error::Duplicate { field, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(field.as_deref(), Some("hall, line, number"));
            $seats.delete(session, key(7, 1))?;
            let error = $seats.delete(session, key(7, 1)).unwrap_err();
            assert!(error.to_string().contains("(\"A\", 7, 1)"), "{error}");
            trace.take();
            Ok(())
        }
    };
}

checks!(unheard, silent::Seats);
checks!(heard_by_somebody, Seats);

#[test]
fn signals_carry_the_tuple() -> lback::Result<()> {
    let Some((_database, mut session, trace)) = opened() else {
        return Ok(());
    };
    let one = Seats.create(&mut session, seat(1, 7))?;
    Seats.update(&mut session, key(1, 7), guest("ada"))?;
    Seats.delete(&mut session, &one)?;
    assert_eq!(
        trace.take(),
        [
            "seat_post_create 1/7",
            "seat_pre_update 1/7",
            "seat_post_update 1/7",
            "seat_pre_delete 1/7",
            "gone (\"A\", 1, 7)",
        ]
    );
    Ok(())
}

diesel::table! {
    follows (follower, followed) {
        follower -> BigInt,
        followed -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = follows, primary_key(follower, followed))]
pub struct Follow {
    pub follower: i64,
    pub followed: i64,
}

impl Validate for Follow {}

own_repository!(Follows: entity = Follow, table = follows, insert = Follow, given_key = (follower, followed));

mod without_given_key {
    use super::*;
    own_repository!(Follows: entity = Follow, table = follows, insert = Follow, shared_entity);
}

#[receiver(follow_pre_create)]
fn not_oneself(data: &Follow) -> Result<(), Veto> {
    if data.follower == data.followed {
        return Err(Veto::new("nobody follows themselves"));
    }
    Ok(())
}

#[receiver(follow_post_create, follow_post_delete)]
fn followed(follow: &Follow, signal: &SignalInfo, #[state] trace: &Trace) {
    let Follow { follower, followed } = follow;
    trace.note(format!("{} {follower}->{followed}", signal.name()));
}

/// A join table has nothing to change: its repository has four signals, and no `update`.
#[test]
fn a_join_table_has_four_signals() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let table = "CREATE TABLE follows (follower BIGINT NOT NULL, followed BIGINT NOT NULL, \
                 PRIMARY KEY (follower, followed))";
    database.connection().batch_execute(table).unwrap();
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let follow = |follower, followed| Follow { follower, followed };

    Follows.create(&mut session, follow(1, 2))?;
    let all = [(2, 1), (3, 1), (1, 3)].map(|(one, other)| follow(one, other));
    Follows.create_many(&mut session, all)?;
    let vetoed = Follows.create(&mut session, follow(4, 4));
    assert!(matches!(vetoed, Err(Error::Vetoed { .. })), "{vetoed:?}");
    Follows.delete(&mut session, (1, 2))?;
    assert_eq!(
        Follows.delete_where(&mut session, follows::followed.eq(1))?,
        2
    );
    assert_eq!(
        trace.take(),
        [
            "follow_post_create 1->2",
            "follow_post_create 2->1",
            "follow_post_create 3->1",
            "follow_post_create 1->3",
            "follow_post_delete 1->2",
            "follow_post_delete 2->1",
            "follow_post_delete 3->1",
        ]
    );
    let names: Vec<_> = lback::receivers()?.iter().map(|it| it.signal).collect();
    assert!(!names.iter().any(|it| it.name() == "follow_pre_update"));

    // MySQL proper does not tell a key that the insert type is not said to hold.
    let made = without_given_key::Follows.create(&mut session, follow(7, 8));
    assert!(made.is_ok() || NAME == "MySQL", "{made:?}");
    Ok(())
}
