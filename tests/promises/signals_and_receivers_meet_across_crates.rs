//! A signal may be declared in one crate, heard in any other, and sent by any.
//!
//! Declared in `lback-tests-shop`; heard there, in `lback-tests` and here; sent from there and from
//! here.

use crate::database::shop::*;
use lback::{Error, Repository, Veto, receiver, signal};
use lback_tests::Trace;
use lback_tests_shop::{PriceAsked, ShelfEmptied, Status, price_asked, shelf_emptied};
use std::cell::RefCell;

#[receiver(order_shipping, order = 5)]
fn no_pigeons(carrier: &str, #[state] trace: &Trace) -> Result<(), Veto> {
    trace.note(format!("asked for {carrier}"));
    match carrier {
        "pigeon" => Err(Veto::new("pigeons are on strike").field("carrier")),
        _ => Ok(()),
    }
}

#[receiver(order_shipped, after_commit)]
fn announce(sender: &Shop, order: &Order, carrier: &str, parcels: u32, #[state] trace: &Trace) {
    let (shop, id) = (&sender.name, order.id.0);
    trace.note(format!(
        "{shop} announces order {id}: {parcels} by {carrier}"
    ));
}

#[receiver(price_asked, when = |sku: &str| sku == "b1")]
fn books_are_cheaper(cents: &mut i64) -> Result<(), Veto> {
    if *cents < 100 {
        return Err(Veto::new("not cheaper still"));
    }
    *cents -= 100;
    Ok(())
}

thread_local! {
    static EMPTIED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[receiver(shelf_emptied)]
fn refill(shelf: &str, left: u32) {
    EMPTIED.with_borrow_mut(|emptied| emptied.push(format!("{shelf} {left}")));
}

/// Declared here, with a type of the other crate's.
#[signal]
struct OrderPraised<'a> {
    order: Order,
    words: Option<&'a str>,
    session: &'a mut Session,
}

#[receiver(order_praised)]
fn read_the_praise(order: Order, words: &Option<&str>, #[state] trace: &Trace) {
    trace.note(format!("{} {words:?}", order.id.0));
}

fn ordered() -> Option<(Opened, Session, Trace, Order)> {
    let shop = Opened::fresh()?;
    let mut session = shop.session();
    let country = Country {
        code: "de".to_owned(),
        name: "Germany".to_owned(),
    };
    Countries.create(&mut session, country).unwrap();
    let customer = NewCustomer {
        id: CustomerId::from_u128(7),
        name: "Ada".to_owned(),
        country: "de".to_owned(),
        card: None,
    };
    // Other tests listen to customers, and find no trace in this session.
    let customer = session
        .mute_all(|session| Customers.create(session, customer))
        .unwrap();
    let order = NewOrder {
        customer: customer.id,
        status: Status::Open,
        details: serde_json::json!({}),
    };
    let order = Orders.create(&mut session, order).unwrap();
    let trace = Trace::new();
    Some((shop, session.with_state(trace.clone()), trace, order))
}

fn shop() -> Shop {
    Shop {
        name: "Corner".to_owned(),
    }
}

#[test]
fn sent_by_the_crate_that_declares_it() {
    let Some((_database, mut session, trace, order)) = ordered() else {
        return;
    };
    let id = order.id.0;

    let shipped = shop().ship(&mut session, &order, " DHL ").unwrap();

    assert_eq!(shipped.status, Status::Shipped);
    assert_eq!(
        trace.take(),
        [
            "asked for dhl".to_owned(),
            "still open".to_owned(),
            format!("order {id} in 1 parcels by dhl"),
            "shipped".to_owned(),
            format!("Corner announces order {id}: 1 by dhl"),
        ]
    );
}

#[test]
fn a_veto_of_another_crates_stops_the_sender() {
    let Some((_database, mut session, trace, order)) = ordered() else {
        return;
    };

    let refused = shop().ship(&mut session, &order, "Pigeon").unwrap_err();

    assert!(
        matches!(&refused, Error::Vetoed { field: Some(field), .. } if field == "carrier"),
        "{refused:?}"
    );
    assert_eq!(trace.take(), ["asked for pigeon"]);
    assert_eq!(Orders.find(&mut session, order.id).unwrap(), Some(order));
}

#[test]
fn sent_by_a_third_crate() {
    let Some((_database, mut session, trace, order)) = ordered() else {
        return;
    };
    let id = order.id.0;

    OrderShipped {
        sender: &shop(),
        order: &order,
        carrier: "hand",
        parcels: 3,
        session: &mut session,
    }
    .send()
    .unwrap();

    assert_eq!(
        trace.take(),
        [
            format!("order {id} in 3 parcels by hand"),
            "still open".to_owned(),
            format!("Corner announces order {id}: 3 by hand"),
        ]
    );
}

#[test]
fn a_signal_of_ones_own_may_own_types_of_other_crates() {
    let Some((_database, mut session, trace, order)) = ordered() else {
        return;
    };
    let id = order.id.0;

    OrderPraised {
        order,
        words: Some("so fast"),
        session: &mut session,
    }
    .send()
    .unwrap();

    assert_eq!(trace.take(), [format!("{id} Some(\"so fast\")")]);
}

#[test]
fn without_a_session_too() {
    let ask = |sku: &str, mut cents: i64| {
        let answer = PriceAsked {
            sku,
            cents: &mut cents,
        }
        .send();
        answer.map(|()| cents)
    };
    assert_eq!(ask("b1", 1000).unwrap(), 900);
    assert_eq!(ask("b2", 1000).unwrap(), 1000);
    let refused = ask("b1", 99);
    assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");

    ShelfEmptied {
        shelf: "A".to_owned(),
        left: 2,
    }
    .send()
    .unwrap();
    assert_eq!(EMPTIED.take(), ["A 2"]);
}
