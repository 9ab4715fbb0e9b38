//! How often the heap is asked for memory: by signals never, and by a repository's operation on
//! SQLite as often as by the same statements through Diesel, but for what the tables here say.
//!
//! Counted when everything has run before, and its statements are prepared; what growing a buffer
//! takes counts as asking.

// A test says what it means first.
#![allow(clippy::pedantic, clippy::unwrap_used)]

use std::hint::black_box;

use lback::sqlite::{prelude::*, users::*};

macro_rules! own_users {
    () => {
        lback_tests::own_users!(SqliteConnection);
    };
}

type Native = SqliteConnection;

/// It matters for the time alone.
type Place = ();

// The statements that instructions and time are compared with too.
#[allow(dead_code)]
#[path = "cost/returning.rs"]
mod statement;

use statement::{find_one, insert_one, update_one};

/// How often `work` asks the heap, with what is made for its number: the same each time.
fn allocations<On: ?Sized, With, T>(
    on: &mut On,
    with: impl Fn(usize) -> With,
    work: impl Fn(&mut On, With) -> T,
) -> i64 {
    let counts = [0, 1, 2, 3, 4, 5].map(|number| {
        let with = with(number);
        let counted = allocation_counter::measure(|| drop(work(on, with)));
        counted.count_total
    });
    let [.., one, two, three] = counts;
    assert_eq!([two, three], [one; 2], "{counts:?}");
    i64::try_from(one).unwrap()
}

#[test]
fn the_counter_counts() {
    let boxed = |_: &mut (), number| black_box(Box::new(number));
    assert_eq!(allocations(&mut (), |number| number, boxed), 1);
}

mod signals {
    use super::*;

    macro_rules! signals {
        ($($arguments:ident $plain:ident $signal:ident $plain_signal:ident: $($receiver:ident)*;)*) => {$(
            #[signal(pre)]
            pub(crate) struct $arguments<'a> {
                pub sum: &'a mut u64,
                pub session: &'a mut Session,
            }

            #[signal(pre)]
            pub(crate) struct $plain<'a> {
                pub sum: &'a mut u64,
            }

            $(
                #[receiver($signal, $plain_signal)]
                fn $receiver(sum: &mut u64) -> Result<(), Veto> {
                    *sum += 1;
                    Ok(())
                }
            )*
        )*};
    }

    signals! {
        NobodyPre PlainNobodyPre nobody_pre plain_nobody_pre: ;
        OnePre PlainOnePre one_pre plain_one_pre: a;
        TenPre PlainTenPre ten_pre plain_ten_pre: b c d e f g h i j k;
    }
}

#[test]
fn sending_a_signal_takes_none() {
    use signals::*;
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    let mut sum = 0;
    macro_rules! none {
        ($($arguments:ident $plain:ident,)*) => {$(
            let sending = |session: &mut Session, sum: &mut u64| {
                let on = &mut (session, sum);
                allocations(on, drop, |(session, sum), ()| $arguments { sum, session }.send())
            };
            let alone = sending(&mut session, &mut sum);
            let inside = session.transaction(|session| lback::Result::Ok(sending(session, &mut sum)));
            let plain = allocations(&mut sum, drop, |sum, ()| $plain { sum }.send());
            assert_eq!([alone, inside.unwrap(), plain], [0; 3], stringify!($arguments));
        )*};
    }
    none!(NobodyPre PlainNobodyPre, OnePre PlainOnePre, TenPre PlainTenPre,);
    assert_eq!(sum, 3 * 6 * (1 + 10));
}

mod nobody {
    use super::*;
    own_users!();
}

mod six {
    use super::*;
    own_users!();

    #[receiver(user_pre_create, user_pre_update, user_pre_delete)]
    #[receiver(user_post_create, user_post_update, user_post_delete)]
    fn see(signal: &SignalInfo) {
        assert!(signal.name().starts_with("user_"));
    }
}

mod changes_of_users {
    use super::*;

    lback_tests::own_users_with_changes!(SqliteConnection);

    #[receiver(user_changed)]
    fn see(change: &Change<User>) {
        black_box(change);
    }
}

/// All of the same length.
fn new(number: usize) -> NewUser {
    lback_tests::new_user(&format!("user {number}"))
}

fn changes(number: usize) -> UserChanges {
    UserChanges {
        email: Some(format!("changed.{number}@example.com")),
        ..UserChanges::default()
    }
}

fn key(number: usize) -> i64 {
    number as i64 + 2
}

/// A session with ten rows; the first is not deleted.
fn session() -> Session {
    let mut session = lback::sqlite::connect(":memory:").unwrap();
    lback::sqlite::migrate(&mut session).unwrap();
    let rows = (10..20).map(new);
    nobody::Users.create_many(&mut session, rows).unwrap();
    session
}

/// Of find, create, update and delete.
type Counts = [i64; 4];

fn of_repository<R>(users: &R, session: &mut Session) -> Counts
where
    R: Repository<Connection = Native, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    let first = UserId::from(1);
    [
        allocations(session, drop, |session, ()| {
            users.find(session, first).unwrap()
        }),
        allocations(session, new, |session, new| {
            users.create(session, new).unwrap()
        }),
        allocations(session, changes, |session, changes| {
            users.update(session, first, changes).unwrap()
        }),
        allocations(session, key, |session, key| {
            users.delete(session, UserId::from(key)).unwrap()
        }),
    ]
}

fn delete_one(conn: &mut Native, id: i64) {
    let gone = diesel::delete(users::table.find(id)).execute(conn);
    assert_eq!(gone, Ok(1));
}

/// The one statement that each of them is.
fn of_diesel(conn: &mut Native) -> Counts {
    [
        allocations(conn, drop, |conn, ()| find_one(conn, 1)),
        allocations(conn, new, |conn, new| insert_one((), conn, new)),
        allocations(conn, changes, |conn, changes| {
            update_one((), conn, 1, changes)
        }),
        allocations(conn, key, delete_one),
    ]
}

type Level = fn(&mut Native, &mut dyn FnMut(&mut Native));

/// The same at a level that can be undone, and, for receivers, with the row before it is changed.
fn of_diesel_with_a_level(conn: &mut Native, level: Level, reads_before: bool) -> Counts {
    [
        allocations(conn, drop, |conn, ()| find_one(conn, 1)),
        allocations(conn, new, |conn, new| {
            let mut new = Some(new);
            level(conn, &mut |conn| {
                drop(insert_one((), conn, new.take().unwrap()))
            });
        }),
        allocations(conn, changes, |conn, changes| {
            let mut changes = Some(changes);
            level(conn, &mut |conn| {
                if reads_before {
                    find_one(conn, 1);
                }
                update_one((), conn, 1, changes.take().unwrap());
            });
        }),
        allocations(conn, key, |conn, key| {
            level(conn, &mut |conn| {
                if reads_before {
                    find_one(conn, key);
                }
                delete_one(conn, key);
            });
        }),
    ]
}

fn savepoint(conn: &mut Native, work: &mut dyn FnMut(&mut Native)) {
    let done = conn.transaction(|conn| {
        work(conn);
        QueryResult::Ok(())
    });
    done.unwrap();
}

fn transaction(conn: &mut Native, work: &mut dyn FnMut(&mut Native)) {
    let done = conn.immediate_transaction(|conn| {
        work(conn);
        QueryResult::Ok(())
    });
    done.unwrap();
}

/// What lback asks for beside Diesel, whoever listens, in a transaction and outside.
fn assert_little_more(lback: Counts, diesel: Counts) {
    let more = [0, 1, 2, 3].map(|operation| lback[operation] - diesel[operation]);
    let table = [
        ("find", 0),
        ("create", 0),
        // The text of the changes, which tells of which shape the statement is: one for each of the
        // two names that Diesel quotes, and three on the way to the builder's 29 bytes.
        ("update", 5),
        ("delete", 0),
    ];
    assert_eq!(
        more,
        table.map(|(_, more)| more),
        "{table:?}: {lback:?} beside {diesel:?}"
    );
}

#[test]
fn an_operation_takes_as_many_as_its_statement() {
    let lback = of_repository(&nobody::Users, &mut session());
    let diesel = of_diesel_with_a_level(session().conn(), transaction, false);
    assert_little_more(lback, diesel);

    let inside = |session: &mut Session| lback::Result::Ok(of_repository(&nobody::Users, session));
    let lback = session().transaction(inside).unwrap();
    let inside = |conn: &mut Native| QueryResult::Ok(of_diesel(conn));
    let diesel = session().conn().transaction(inside).unwrap();
    assert_little_more(lback, diesel);
}

#[test]
fn receivers_add_none_beside_the_row_and_the_savepoint() {
    let lback = of_repository(&six::Users, &mut session());
    let diesel = of_diesel_with_a_level(session().conn(), transaction, true);
    assert_little_more(lback, diesel);

    let inside = |session: &mut Session| lback::Result::Ok(of_repository(&six::Users, session));
    let lback = session().transaction(inside).unwrap();
    let inside = |conn: &mut Native| QueryResult::Ok(of_diesel_with_a_level(conn, savepoint, true));
    let diesel = session().conn().transaction(inside).unwrap();
    assert_little_more(lback, diesel);
}

#[test]
fn one_who_listens_to_changes_adds_copies_of_the_rows() {
    let lback = of_repository(&changes_of_users::Users, &mut session());
    let diesel = of_diesel_with_a_level(session().conn(), transaction, true);
    let more = [0, 1, 2, 3].map(|operation| lback[operation] - diesel[operation]);
    // A copy of a user takes three: its name, its address, the hash of its password. Each row is copied
    // once when it is noted, and once when it is told. The note, the journal, and the lists of what is
    // told and to whom are twelve; an update reads the row first, which takes five.
    let rows = [("find", 0), ("create", 1), ("update", 2), ("delete", 1)];
    let expected = rows.map(|(operation, rows)| match operation {
        "find" => 0,
        "update" => 5 + 12 + rows * 2 * 3,
        _ => 12 + rows * 2 * 3,
    });
    assert_eq!(more, expected, "{rows:?}: {lback:?} beside {diesel:?}");
}
