//! Without the built-in users, `#[repository]` and all signals are there.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use lback::sqlite::prelude::*;
use lback_tests_shop::sqlite::*;
use lback_tests_shop::{PriceAsked, price_asked};

type Trace = Arc<Mutex<Vec<String>>>;

fn note(trace: &Trace, what: impl Into<String>) {
    trace.lock().unwrap().push(what.into());
}

#[receiver(account_pre_create)]
fn tidy(data: &mut NewCustomer) -> Result<(), Veto> {
    data.name = data.name.trim().to_owned();
    if data.name.is_empty() {
        return Err(Veto::new("a customer has a name").field("name"));
    }
    Ok(())
}

#[receiver(account_post_create, account_post_update, account_post_delete)]
fn in_the_transaction(account: &Customer, signal: &SignalInfo, #[state] trace: &Trace) {
    note(trace, format!("{} {}", signal.name(), account.name));
}

#[receiver(account_post_create, after_commit)]
fn once_committed(account: &Customer, #[state] trace: &Trace) {
    note(trace, format!("{} is welcome", account.name));
}

#[receiver(price_asked)]
fn half_price(cents: &mut i64) {
    *cents /= 2;
}

fn customer(name: &str) -> NewCustomer {
    NewCustomer {
        id: CustomerId::from_u128(7),
        name: name.to_owned(),
        country: "de".to_owned(),
        card: Some(Secret::from("4111")),
    }
}

#[test]
fn a_repository_sends_its_six_signals() {
    let trace = Trace::default();
    let mut session = lback::sqlite::connect(":memory:")
        .unwrap()
        .with_state(trace.clone());
    session.conn().batch_execute(MIGRATION).unwrap();
    let germany = Country {
        code: "de".to_owned(),
        name: "Germany".to_owned(),
    };
    Countries.create(&mut session, germany).unwrap();

    let vetoed = Customers.create(&mut session, customer("  ")).unwrap_err();
    assert_eq!(vetoed.receiver().map(|by| by.id), Some(tidy_id().as_str()));
    let ada = session
        .transaction(|session| {
            let ada = Customers.create(session, customer(" Ada "))?;
            let changes = CustomerChanges {
                name: Some("Ada Lovelace".to_owned()),
                ..CustomerChanges::default()
            };
            Customers.update(session, &ada, changes)
        })
        .unwrap();
    Customers.delete(&mut session, &ada).unwrap();

    assert_eq!(
        *trace.lock().unwrap(),
        [
            "account_post_create Ada",
            "account_post_update Ada Lovelace",
            "Ada is welcome",
            "account_post_delete Ada Lovelace",
        ]
    );
    assert_eq!(format!("{:?}", ada.card), "Some(***)");
}

#[test]
fn a_signal_of_ones_own_is_heard() {
    let mut cents = 250;
    let sku = "a lamp";
    PriceAsked {
        sku,
        cents: &mut cents,
    }
    .send()
    .unwrap();
    assert_eq!(cents, 125);
}

fn tidy_id() -> String {
    format!("{}::tidy", module_path!())
}
