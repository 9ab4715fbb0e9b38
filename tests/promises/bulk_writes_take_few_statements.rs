//! Bulk writes take as few statements as the database's bound on values allows, whatever the model:
//! rows that are alike share one, and results come in the order of the input.

use crate::database::NAME;
use crate::database::shop::*;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use lback::{Error, Repository, Veto, receiver};
use lback_tests_shop::MoveId;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How many signals a session has sent.
#[derive(Clone, Default)]
struct Sent(Arc<AtomicUsize>);

impl Sent {
    fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[receiver(movement_pre_create)]
fn about_to_move(data: &mut NewMove, #[state] sent: &Sent) -> Result<(), Veto> {
    sent.one_more();
    match data.reason.as_str() {
        "refused" => Err(Veto::new("this may not move")),
        _ => Ok(()),
    }
}

#[receiver(movement_post_create)]
fn moved(movement: &Move, #[state] sent: &Sent) -> Result<(), Veto> {
    sent.one_more();
    match movement.reason.as_str() {
        "undone" => Err(Veto::new("this may not have moved")),
        _ => Ok(()),
    }
}

/// Every third row gets changes of its own, all of them the same.
#[receiver(movement_pre_update)]
fn about_to_be_moved(movement: &Move, update_data: &mut MoveChanges, #[state] sent: &Sent) {
    sent.one_more();
    if movement.amount % 3 == 0 {
        update_data.shelf = Some("C".to_owned());
    }
}

#[receiver(movement_post_update, movement_pre_delete, movement_post_delete)]
fn was_moved(#[state] sent: &Sent) {
    sent.one_more();
}

const ROWS: usize = 10_000;

/// As many values as one statement may bind.
fn limit() -> usize {
    match NAME {
        "SQLite" => 32_766,
        _ => 65_535,
    }
}

/// MySQL cannot return what a statement wrote: each one is followed by a SELECT.
fn per_write() -> usize {
    if NAME == "MySQL" { 2 } else { 1 }
}

/// There the number that it made last is forgotten before it makes others.
fn per_insert() -> usize {
    if NAME == "MySQL" { 3 } else { 1 }
}

/// BEGIN and COMMIT.
const FRAME: usize = 2;

/// SAVEPOINT and RELEASE, around rows that might have to be inserted one by one when receivers have
/// run.
const AGAIN: usize = 2;

/// What a session asks its database once.
fn is_asked_once(statement: &str) -> bool {
    let words = [
        "/*M!",
        "information_schema",
        "@@max_allowed_packet",
        "pg_class",
        "pragma_database_list",
        "sqlite_master",
        "sqlite_temp_master",
    ];
    words.iter().any(|word| statement.contains(word))
}

fn movement(amount: usize, reason: &str) -> NewMove {
    NewMove {
        product: 1,
        amount: i32::try_from(amount).unwrap(),
        shelf: "A".to_owned(),
        reason: reason.to_owned(),
    }
}

fn opened() -> Option<(Opened, Session, Sent)> {
    let shop = Opened::fresh()?;
    let sent = Sent::default();
    let session = shop.session().with_state(sent.clone());
    Some((shop, session, sent))
}

/// What `work` gives, and the first word of each of its statements.
fn statements<T>(session: &mut Session, work: impl FnOnce(&mut Session) -> T) -> (T, Vec<String>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                if is_asked_once(&text) {
                    return;
                }
                let word = text.split_whitespace().next().unwrap_or_default();
                log.lock().unwrap().push(word.to_owned());
            }
        });
    let done = work(session);
    session
        .conn()
        .set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let seen = seen.lock().unwrap().clone();
    (done, seen)
}

fn amounts(rows: &[Move]) -> Vec<usize> {
    rows.iter()
        .map(|row| usize::try_from(row.amount).unwrap())
        .collect()
}

#[test]
fn ten_thousand_rows_are_created_updated_and_deleted() {
    let Some((_shop, mut session, sent)) = opened() else {
        return;
    };

    let data: Vec<_> = (0..ROWS).map(|amount| movement(amount, "new")).collect();
    let (rows, seen) = statements(&mut session, |session| {
        Moves.create_many(session, data).unwrap()
    });
    assert_eq!(amounts(&rows), (0..ROWS).collect::<Vec<_>>());
    assert_eq!(sent.take(), 2 * ROWS);
    // Each row binds four values.
    let inserts = (4 * ROWS).div_ceil(limit());
    assert_eq!(
        seen.len(),
        inserts * per_insert() + FRAME + AGAIN,
        "{seen:?}"
    );
    for row in [&rows[0], &rows[ROWS / 2], &rows[ROWS - 1]] {
        assert_eq!(
            Moves.find(&mut session, row.id).unwrap().as_ref(),
            Some(row)
        );
    }

    let changes = MoveChanges {
        shelf: Some("B".to_owned()),
        ..MoveChanges::default()
    };
    let backwards = rows.iter().rev();
    let (rows, seen) = statements(&mut session, |session| {
        Moves.update_many(session, backwards, changes).unwrap()
    });
    assert_eq!(amounts(&rows), (0..ROWS).rev().collect::<Vec<_>>());
    for row in &rows {
        assert_eq!(row.shelf, if row.amount % 3 == 0 { "C" } else { "B" });
    }
    assert_eq!(sent.take(), 2 * ROWS);
    // All rows are read at once, and there are two groups.
    assert_eq!(seen.len(), 1 + 2 * per_write() + 2, "{seen:?}");

    let ((), seen) = statements(&mut session, |session| {
        Moves.delete_many(session, &rows).unwrap();
    });
    assert_eq!(sent.take(), 2 * ROWS);
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert_eq!(Moves.count(&mut session).unwrap(), 0);
}

#[test]
fn a_veto_anywhere_leaves_nothing() {
    let Some((_shop, mut session, sent)) = opened() else {
        return;
    };
    for (reason, heard) in [("refused", 2), ("undone", 3 + 2)] {
        let data = [("new", 1), (reason, 2), ("new", 3)];
        let data = data.map(|(reason, amount)| movement(amount, reason));
        let (refused, seen) = statements(&mut session, |session| Moves.create_many(session, data));
        assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
        assert_eq!(sent.take(), heard, "{reason}");
        let has_inserted = seen.iter().any(|word| word == "INSERT");
        assert_eq!(has_inserted, reason == "undone", "{seen:?}");
        assert_eq!(Moves.count(&mut session).unwrap(), 0);
    }
}

#[test]
fn nothing_to_do_takes_no_statement() {
    let Some((_shop, mut session, _)) = opened() else {
        return;
    };
    let nothing: [i32; 0] = [];
    let products = Products::default();
    let ((), seen) = statements(&mut session, |session| {
        products.create_many(session, []).unwrap();
        let changes = ProductChanges::default();
        products.update_many(session, nothing, changes).unwrap();
        products.delete_many(session, nothing).unwrap();
        products.find_many(session, nothing).unwrap();
    });
    assert_eq!(seen, [""; 0]);
}

#[test]
fn rows_may_leave_different_columns_to_the_database() {
    let Some((_shop, mut session, _)) = opened() else {
        return;
    };
    // The first row binds three values and all others five: more than a statement may, if the first
    // were the measure.
    let data = (0..14_000).map(|number| {
        let is_first = number == 0;
        NewProduct {
            blurb: (!is_first).then(|| format!("blurb {number}")),
            stock: (!is_first).then_some(number),
            ..NewProduct::book(format!("b{number}"))
        }
    });

    let (products, seen) = statements(&mut session, |session| {
        Products::default().create_many(session, data).unwrap()
    });

    let inserts = match NAME {
        // The first row is alone in leaving columns out.
        "SQLite" => 1 + (13_999 * 5_usize).div_ceil(limit()),
        _ => (14_000 * 5_usize).div_ceil(limit()),
    };
    assert_eq!(
        seen.len(),
        inserts * per_insert() + FRAME + AGAIN,
        "{seen:?}"
    );
    assert_eq!((products[0].stock, &products[0].blurb), (10, &None));
    for (number, product) in products.iter().enumerate().skip(1) {
        assert_eq!(product.sku, format!("b{number}"));
        assert_eq!(product.blurb, Some(format!("blurb {number}")));
        assert_eq!(usize::try_from(product.stock).unwrap(), number);
    }
}

#[test]
fn given_keys_may_come_in_any_order() {
    let Some((_shop, mut session, _)) = opened() else {
        return;
    };
    let letter = |number: u32| char::from_u32(u32::from(b'a') + number % 26).unwrap();
    let data: Vec<_> = (0..500)
        .map(|number| number * 257 % 676)
        .map(|number| Country {
            code: format!("{}{}", letter(number / 26), letter(number)),
            name: format!("number {number}"),
        })
        .collect();

    let (rows, seen) = statements(&mut session, |session| {
        Countries.create_many(session, data.clone()).unwrap()
    });

    assert_eq!(rows, data);
    assert_eq!(seen.len(), per_write() + 2, "{seen:?}");
    let again = Countries.create_many(&mut session, data);
    assert!(matches!(again, Err(Error::Duplicate { .. })), "{again:?}");
    assert_eq!(Countries.count(&mut session).unwrap(), 500);
}

#[test]
fn random_keys_of_the_database_go_row_by_row() {
    let Some((_shop, mut session, _)) = opened() else {
        return;
    };
    let data = (0..50).map(|number| NewTicket {
        holder: number.to_string(),
    });
    let (tickets, seen) = statements(&mut session, |session| Tickets.create_many(session, data));
    let tickets = tickets.unwrap();
    assert_eq!(seen.len(), 50 * per_write() + FRAME, "{seen:?}");
    for (number, ticket) in tickets.into_iter().enumerate() {
        assert_eq!(ticket.holder, number.to_string());
        let found = Tickets.find(&mut session, ticket.code.clone()).unwrap();
        assert_eq!(found, Some(ticket));
    }
}

#[test]
fn keys_that_only_the_insert_knows_are_not_mistaken_for_the_databases() {
    let Some((_shop, mut session, _)) = opened() else {
        return;
    };
    let numbered = |id: Option<i64>| NumberedMove {
        id: id.map(MoveId),
        product: 1,
        amount: i32::try_from(id.unwrap_or_default()).unwrap(),
        shelf: "A".to_owned(),
        reason: String::new(),
    };

    let (rows, seen) = statements(&mut session, |session| {
        let data = [None; 20].map(numbered);
        NumberedMoves.create_many(session, data).unwrap()
    });
    assert!(rows.is_sorted_by_key(|row| row.id));
    assert_eq!(seen.len(), per_insert() + FRAME, "{seen:?}");

    for keys in [[Some(900), Some(300), Some(500)], [None, Some(100), None]] {
        let rows = NumberedMoves.create_many(&mut session, keys.map(numbered));
        let rows = rows.unwrap();
        for (row, key) in rows.iter().zip(keys) {
            assert_eq!(i64::from(row.amount), key.unwrap_or_default());
            assert!(key.is_none_or(|key| row.id == MoveId(key)), "{row:?}");
        }
    }
    assert_eq!(Moves.count(&mut session).unwrap(), 26);
}
