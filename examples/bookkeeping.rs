//! Double-entry bookkeeping: whatever a transaction books, each voucher must balance at its end. Not at
//! each step, for the first line of a voucher never does.
//!
//! `cargo run -p lback-examples --example bookkeeping`

use lback::Validate;
use lback::sqlite::prelude::*;

diesel::table! {
    lines (id) {
        id -> BigInt,
        voucher -> BigInt,
        account -> Text,
        cents -> BigInt,
    }
}

/// A line of a voucher: so many cents into an account, or out of it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = lines)]
pub struct Line {
    pub id: i64,
    pub voucher: i64,
    pub account: String,
    pub cents: i64,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = lines)]
pub struct NewLine {
    pub voucher: i64,
    pub account: String,
    pub cents: i64,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = lines)]
pub struct LineChanges {
    pub voucher: Option<i64>,
    pub account: Option<String>,
    pub cents: Option<i64>,
}

impl Validate for NewLine {}
impl Validate for LineChanges {}

#[repository(
    entity = Line,
    table = lines,
    insert = NewLine,
    update = LineChanges,
    connection = SqliteConnection,
    changes
)]
#[derive(Clone, Debug, Default)]
pub struct Lines;

/// Told once for each line that the transaction has changed, before it commits. A line that moved to
/// another voucher concerns both.
///
/// On SQLite one transaction writes at a time. Elsewhere two transactions that each change one line of a
/// voucher do not see each other here: lock the voucher's own row first, or use SERIALIZABLE.
#[receiver(line_changed, when = |change: &Change<Line>| moves_money(change))]
fn each_voucher_balances(
    change: &Change<Line>,
    conn: &mut SqliteConnection,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let vouchers = [change.before(), change.after()];
    for voucher in vouchers.into_iter().flatten().map(|line| line.voucher) {
        let cents: Vec<i64> = lines::table
            .filter(lines::voucher.eq(voucher))
            .select(lines::cents)
            .load(conn)?;
        match cents.iter().sum() {
            0_i64 => {}
            rest => {
                let text = format!("voucher {voucher} does not balance: {rest} cents are left");
                return Err(Veto::new(text).field("cents").into());
            }
        }
    }
    Ok(())
}

fn moves_money(change: &Change<Line>) -> bool {
    change.differs(|line| &line.cents) || change.differs(|line| &line.voucher)
}

fn line(voucher: i64, account: &str, cents: i64) -> NewLine {
    NewLine {
        voucher,
        account: account.to_owned(),
        cents,
    }
}

fn open_books() -> lback::Result<Session> {
    let mut session = lback::sqlite::connect(":memory:")?;
    diesel::sql_query(
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, voucher INTEGER NOT NULL, \
         account TEXT NOT NULL, cents INTEGER NOT NULL)",
    )
    .execute(session.conn())?;
    Ok(session)
}

fn main() -> lback::Result<()> {
    let mut session = open_books()?;

    // Three lines, of which only the last one makes it right.
    session.transaction(|session| {
        Lines.create(session, line(1, "bank", -11_900))?;
        Lines.create(session, line(1, "paper", 10_000))?;
        Lines.create(session, line(1, "tax", 1_900))
    })?;

    // A cent too little: nothing of the voucher is stored.
    let refused = session.transaction(|session| {
        Lines.create(session, line(2, "bank", -500))?;
        Lines.create(session, line(2, "stamps", 499))
    });
    match refused {
        Err(refused @ lback::Error::Vetoed { .. }) => println!("{refused}"),
        other => panic!("it should have been refused: {other:?}"),
    }
    assert_eq!(Lines.count(&mut session)?, 3);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_vetoed<T>(result: &lback::Result<T>) -> bool {
        matches!(result, Err(lback::Error::Vetoed { .. }))
    }

    #[test]
    fn the_program_runs() {
        main().expect("it asserts what it shows");
    }

    #[test]
    fn a_line_alone_is_refused() -> lback::Result<()> {
        let mut session = open_books()?;
        assert!(is_vetoed(&Lines.create(&mut session, line(1, "bank", 1))));
        assert_eq!(Lines.count(&mut session)?, 0);
        Ok(())
    }

    #[test]
    fn both_vouchers_of_a_line_that_moves_must_balance() -> lback::Result<()> {
        let mut session = open_books()?;
        let lines = Lines.create_many(
            &mut session,
            [
                line(1, "bank", -1),
                line(1, "till", 1),
                line(2, "bank", -1),
                line(2, "till", 1),
            ],
        )?;
        let to = |voucher| LineChanges {
            voucher: Some(voucher),
            ..LineChanges::default()
        };
        assert!(is_vetoed(&Lines.update(&mut session, lines[0].id, to(2))));
        // Two that change places leave both as they were.
        session.transaction(|session| {
            Lines.update(session, lines[0].id, to(2))?;
            Lines.update(session, lines[2].id, to(1))
        })?;
        Ok(())
    }

    #[test]
    fn what_is_taken_back_in_the_same_transaction_is_no_matter() -> lback::Result<()> {
        let mut session = open_books()?;
        session.transaction(|session| {
            let wrong = Lines.create(session, line(1, "bank", 7))?;
            Lines.delete(session, &wrong)
        })?;
        assert_eq!(Lines.count(&mut session)?, 0);
        Ok(())
    }

    #[test]
    fn an_account_may_be_renamed_alone() -> lback::Result<()> {
        let mut session = open_books()?;
        let pair = [line(1, "bank", -1), line(1, "till", 1)];
        let lines = Lines.create_many(&mut session, pair)?;
        let renamed = LineChanges {
            account: Some("cash box".to_owned()),
            ..LineChanges::default()
        };
        Lines.update(&mut session, lines[1].id, renamed)?;
        Ok(())
    }
}
