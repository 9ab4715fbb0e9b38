//! The same statements without lback: Diesel as well as it can be used.

use std::time::Duration;

use lback::Validate;

use super::operation::{TO_DELETE, changes, filled, new_user};
use super::statement::{find_one, insert_many, insert_one, update_one};
use super::*;
use crate::{Run, measured};

pub(crate) const ALL: &[(&str, Run)] = &[
    ("diesel find", diesel_find),
    ("diesel create", diesel_create),
    ("diesel update", diesel_update),
    ("diesel delete", diesel_delete),
    ("diesel create_many", diesel_create_many),
    ("diesel read+update+savepoint", diesel_heard_update),
    ("diesel create+savepoint", diesel_heard_create),
    ("diesel read+delete+savepoint", diesel_heard_delete),
];

fn with_conn(place: Place, rows: usize, work: impl FnOnce(&mut Native)) -> Duration {
    let (_database, mut session) = filled(place, rows);
    let conn = session.conn();
    if place.commits_each {
        return measured(|| work(conn));
    }
    conn.transaction(|conn| QueryResult::Ok(measured(|| work(conn))))
        .unwrap()
}

fn diesel_find(place: Place, times: usize) -> Duration {
    with_conn(place, 1, |conn| {
        for _ in 0..times {
            find_one(conn, 1);
        }
    })
}

fn diesel_create(place: Place, times: usize) -> Duration {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_conn(place, 0, |conn| {
        for new in new {
            insert_one(place, conn, new);
        }
    })
}

fn diesel_update(place: Place, times: usize) -> Duration {
    let changes: Vec<_> = (0..times).map(changes).collect();
    with_conn(place, 1, |conn| {
        for changes in changes {
            update_one(place, conn, 1, changes);
        }
    })
}

fn diesel_delete(place: Place, times: usize) -> Duration {
    with_conn(place, TO_DELETE, |conn| {
        for number in 1..=times {
            diesel::delete(users::table.find(number as i64))
                .execute(conn)
                .unwrap();
        }
    })
}

fn diesel_create_many(place: Place, times: usize) -> Duration {
    let mut new: Vec<_> = (0..times).map(new_user).collect();
    with_conn(place, 0, |conn| {
        new.iter_mut().try_for_each(Validate::validate).unwrap();
        for new in new.chunks(32_766 / 11) {
            assert_eq!(insert_many(place, conn, new).len(), new.len());
        }
    })
}

fn diesel_heard_create(place: Place, times: usize) -> Duration {
    let new: Vec<_> = (0..times).map(new_user).collect();
    with_conn(place, 0, |conn| {
        for new in new {
            atomically(place, conn, |conn| insert_one(place, conn, new));
        }
    })
}

fn diesel_heard_update(place: Place, times: usize) -> Duration {
    let changes: Vec<_> = (0..times).map(changes).collect();
    with_conn(place, 1, |conn| {
        for changes in changes {
            atomically(place, conn, |conn| {
                lock_one(conn, 1);
                update_one(place, conn, 1, changes)
            });
        }
    })
}

fn diesel_heard_delete(place: Place, times: usize) -> Duration {
    with_conn(place, TO_DELETE, |conn| {
        for number in 1..=times {
            atomically(place, conn, |conn| {
                lock_one(conn, number as i64);
                diesel::delete(users::table.find(number as i64))
                    .execute(conn)
                    .unwrap()
            });
        }
    })
}
