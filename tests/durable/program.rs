//! A program: what it stores, for which receivers, and how it runs until it is killed. Included for
//! each database.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use lback::transaction::Isolation;
use lback::{BoxError, TransactionOptions};

use super::database::*;
use crate::desk::{Chance, Desk};
use crate::form;

diesel::table! {
    accounts (id) {
        id -> BigInt,
        name -> VarChar,
        count -> Integer,
    }
}

diesel::table! {
    /// What exactly-once receivers write.
    audit (id) {
        id -> BigInt,
        receiver -> VarChar,
        name -> VarChar,
        count -> Integer,
    }
}

/// Accounts that all writers change.
const SHARED: u64 = 30;

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = accounts)]
pub struct NewAccount {
    name: String,
    count: i32,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = accounts)]
pub struct AccountChanges {
    count: Option<Set<i32>>,
}

impl Validate for NewAccount {}
impl Validate for AccountChanges {}

fn account(name: String) -> NewAccount {
    NewAccount { name, count: 0 }
}

fn one_more() -> AccountChanges {
    AccountChanges {
        count: Some(Set::plus(accounts::count, 1)),
    }
}

fn write(
    conn: &mut Native,
    receiver: &str,
    name: &str,
    count: i32,
    desk: &Desk,
) -> Result<(), BoxError> {
    let row = (
        audit::receiver.eq(receiver),
        audit::name.eq(name),
        audit::count.eq(count),
    );
    diesel::insert_into(audit::table)
        .values(row)
        .execute(conn)?;
    // What is written is taken back then.
    desk.may_fail()
}

pub(super) mod receivers {
    use lback::outbox::Delivery;

    use super::*;

    #[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
    #[diesel(table_name = accounts)]
    pub struct Account {
        id: i64,
        name: String,
        count: i32,
    }

    impl serde::Serialize for Account {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            form::written(self.id, &self.name, self.count).serialize(to)
        }
    }

    impl<'a> serde::Deserialize<'a> for Account {
        fn deserialize<D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
            let fields = serde_json::Value::deserialize(from)?;
            let (id, name, count) = form::read(fields).map_err(serde::de::Error::custom)?;
            Ok(Self { id, name, count })
        }
    }

    own_repository!(Accounts: entity = Account, table = accounts, insert = NewAccount, update = AccountChanges);

    #[receiver(account_pre_create)]
    fn refuse(data: &NewAccount) -> Result<(), Veto> {
        if data.name.ends_with(".refused") {
            return Err(Veto::new("planned"));
        }
        Ok(())
    }

    versioned! {
        #[receiver(
            account_post_create,
            durable,
            id = "kill.tell",
            lease = 1,
            max_attempts = 1000
        )]
        fn tell(
            account: &Account,
            #[state] desk: &Desk,
            #[state] delivery: &Delivery,
        ) -> Result<(), BoxError> {
            desk.may_fail()?;
            desk.tell("tell", &account.name, account.count, delivery)?;
            desk.may_fail()
        }
    }

    versioned! {
        #[receiver(
            account_post_create,
            durable,
            id = "kill.publish",
            lease = 1,
            max_attempts = 1000
        )]
        async fn publish(
            account: &Account,
            #[state] desk: &Desk,
            #[state] delivery: &Delivery,
        ) -> Result<(), BoxError> {
            tokio::time::sleep(Duration::from_micros(500)).await;
            desk.tell("publish", &account.name, account.count, delivery)?;
            desk.may_fail()
        }
    }

    versioned! {
        #[receiver(
            account_post_create,
            durable,
            id = "kill.write",
            batch = 4,
            lease = 1,
            max_attempts = 1000
        )]
        fn note(account: &Account, conn: &mut Native, #[state] desk: &Desk) -> Result<(), BoxError> {
            write(conn, "write", &account.name, account.count, desk)
        }
    }

    versioned! {
        #[receiver(account_post_update, durable, id = "kill.echo", ordered = |account: &Account| account.id, lease = 1, max_attempts = 1000)]
        fn echo(
            account: &Account,
            #[state] desk: &Desk,
            #[state] delivery: &Delivery,
        ) -> Result<(), BoxError> {
            desk.may_fail()?;
            desk.tell("echo", &account.name, account.count, delivery)?;
            desk.may_fail()
        }
    }

    versioned! {
        #[receiver(account_post_update, durable, id = "kill.follow", ordered = |account: &Account| account.id, lease = 1, max_attempts = 1000)]
        fn follow(
            account: &Account,
            session: &mut Session,
            #[state] desk: &Desk,
        ) -> Result<(), BoxError> {
            write(session.conn(), "follow", &account.name, account.count, desk)
        }
    }

    pub(in super::super) fn open(
        url: &str,
        folder: &Path,
        is_calm: bool,
    ) -> lback::Database<Native> {
        lback::Database::<Native>::builder()
            .max_size(3)
            .with_state(Desk::open(folder, is_calm))
            .with_failure_handler(|failure| {
                let what = failure.to_string();
                assert!(what.contains("by chance"), "{what}");
            })
            .connect(url)
            .expect("the database is there")
    }

    /// Writes until it is killed.
    pub(super) fn write_on(database: &lback::Database<Native>, run: &str) {
        let mut chance = Chance::new();
        for number in 0_u32.. {
            let named = |which: &str| account(format!("v{}r{run}n{number}.{which}", form::VERSION));
            std::thread::sleep(Duration::from_micros(chance.below(20_000)));
            let shared = 1 + chance.below(SHARED) as i64;
            let mut session = database.session().expect("only a kill ends it");
            until_it_lasts(&mut chance, |options| {
                session.transaction_with(options, |session| {
                        Accounts.create(session, named("first"))?;
                        let undone: lback::Result<()> = session.transaction(|session| {
                            Accounts.create(session, named("undone"))?;
                            Accounts.update(session, shared, one_more())?;
                            Err(Veto::new("planned").into())
                        });
                        assert!(matches!(&undone, Err(error) if matches!(error, lback::Error::Refused(_)) || error.is_retryable()), "{undone:?}");
                        Accounts.update(session, shared, one_more())?;
                        Accounts.update(session, shared, one_more()).map(drop)
                    })
            });
            until_it_lasts(&mut chance, |options| {
                let never = session.transaction_with(options, |session| {
                    Accounts.update(session, shared, one_more())?;
                    Accounts.create(session, named("never"))?;
                    Err::<(), lback::Error>(Veto::new("planned").into())
                });
                if_veto(never)
            });
            let refused = Accounts.create(&mut session, named("refused"));
            assert!(refused.is_err());
        }
    }
}

/// What was planned is no failure.
fn if_veto(planned: lback::Result<()>) -> lback::Result<()> {
    match planned {
        Err(lback::Error::Refused(_)) => Ok(()),
        other => other,
    }
}

/// At any level of isolation.
fn until_it_lasts(
    chance: &mut Chance,
    mut write: impl FnMut(&TransactionOptions) -> lback::Result<()>,
) {
    loop {
        let options = TransactionOptions::new();
        let options = match chance.below(4) {
            0 => options.isolation(Isolation::RepeatableRead),
            1 => options.isolation(Isolation::Serializable),
            _ => options,
        };
        match write(&options) {
            Err(error) if error.is_retryable() => {
                std::thread::sleep(Duration::from_micros(chance.below(5_000)));
            }
            written => return written.expect("only a kill ends it"),
        }
    }
}

/// An empty database.
pub(crate) fn prepare(database: &Database, folder: &Path) {
    let pool = receivers::open(&database.url(), folder, true);
    let mut session = pool.session().expect("the database is there");
    migrate_outbox(&mut session).expect("there is no such table");
    let mut conn = database.connection();
    for table in [
        format!(
            "CREATE TABLE accounts (id {MADE_KEY}, name VARCHAR(100) NOT NULL, count INTEGER NOT NULL)"
        ),
        format!(
            "CREATE TABLE audit (id {MADE_KEY}, receiver VARCHAR(100) NOT NULL, name VARCHAR(100) NOT \
             NULL, count INTEGER NOT NULL)"
        ),
    ] {
        conn.batch_execute(&table).expect("the table is new");
    }
    for number in 0..SHARED {
        let new = account(format!("shared{number}"));
        receivers::Accounts
            .create(&mut session, new)
            .expect("it is new");
    }
}

/// Plays a part until it is killed.
pub(crate) fn run(part: &str, url: &str, folder: &Path, run: &str) {
    // Those of receivers are planned, and all others end the process.
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.to_string();
        if !what.contains("by chance") {
            eprintln!("{what}");
            std::process::exit(1);
        }
    }));
    let database = receivers::open(url, folder, false);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build();
    let runtime = runtime.expect("it can be started");
    let worker = (part != "write").then(|| {
        let worker = database.worker().threads(2).claim(6);
        let worker = worker.poll(Duration::from_millis(50));
        let worker = worker.runtime(runtime.handle().clone()).start();
        worker.expect("its states are there")
    });
    println!("ready");
    if part != "deliver" {
        receivers::write_on(&database, run);
    }
    while worker.is_some() {
        std::thread::park();
    }
}
