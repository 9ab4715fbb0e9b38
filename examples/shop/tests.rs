//! Each test has a session of its own, so they run in parallel.

use lback::Error;
use lback::sqlite::prelude::*;
use lback::testing::SkipReason;
use lback::testing::assert_registered;

use crate::create_tables;
use crate::message::{Mailbox, confirm, missed_sale, on_its_way, running_low};
use crate::order::{
    NewOrder, OrderRepository, order_post_create, order_post_delete, order_pre_create,
    order_shipped, ship,
};
use crate::product::{NewProduct, Product, ProductChanges, ProductRepository, product_post_update};
use crate::rule::{enough_in_stock, put_back_into_stock, take_from_stock};

/// A shop with six packets of tea.
fn shop() -> (Session, Product) {
    let connection = SqliteConnection::establish(":memory:").expect("SQLite opens");
    let mut session = Session::for_test(connection)
        .expect("the receivers are in order")
        .with_state(Mailbox::default());
    create_tables(session.conn()).expect("the database is empty");
    let tea = ProductRepository
        .create(&mut session, NewProduct::new("tea", 450, 6))
        .expect("nobody objects");
    (session, tea)
}

fn mails(session: &Session) -> Vec<String> {
    session.state::<Mailbox>().expect("it was put in").take()
}

fn stock(session: &mut Session, product: &Product) -> i32 {
    let found = ProductRepository.find(session, product.id);
    found.expect("it can be read").expect("it is there").stock
}

#[test]
fn the_receivers_do_not_contradict_each_other() {
    lback::verify().unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn sales_are_confirmed() {
    assert_registered(confirm, order_post_create);
    assert_registered(on_its_way, order_shipped);
}

#[test]
fn an_order_takes_from_the_stock() {
    let (mut session, tea) = shop();

    let (order, recording) =
        session.record(|session| OrderRepository.create(session, NewOrder::new("ada", tea.id, 1)));

    order.expect("there is enough");
    assert_eq!(stock(&mut session, &tea), 5);
    recording.assert_sent_times(product_post_update, 1);
    recording
        .in_order()
        .sent(order_pre_create)
        .ran(enough_in_stock)
        .sent(order_post_create)
        .ran(take_from_stock)
        .ran(confirm);
}

#[test]
fn more_than_there_is_cannot_be_bought() {
    let (mut session, tea) = shop();

    let refused = OrderRepository.create(&mut session, NewOrder::new("eve", tea.id, 7));

    let Err(Error::Vetoed { message, field, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(message, "only 6 left of tea");
    assert_eq!(field.as_deref(), Some("quantity"));
    assert_eq!(stock(&mut session, &tea), 6);
    assert_eq!(mails(&session), ["buyer: eve could not buy 7"]);
}

#[test]
fn a_cancelled_order_gives_back() {
    let (mut session, tea) = shop();
    let order = OrderRepository
        .create(&mut session, NewOrder::new("ada", tea.id, 6))
        .expect("there is enough");

    let (deleted, recording) = session.record(|session| OrderRepository.delete(session, &order));

    deleted.expect("it has not left yet");
    recording.assert_sent(order_post_delete);
    recording.assert_ran(put_back_into_stock);
    assert_eq!(stock(&mut session, &tea), 6);
}

#[test]
fn a_shipped_order_stays() {
    let (mut session, tea) = shop();
    let order = OrderRepository
        .create(&mut session, NewOrder::new("ada", tea.id, 1))
        .expect("there is enough");
    ship(&mut session, order.id).expect("it is there");

    let refused = OrderRepository.delete(&mut session, order.id);

    assert!(matches!(refused, Err(Error::Vetoed { .. })), "{refused:?}");
}

#[test]
fn the_customer_hears_of_it_when_it_is_stored_and_not_before() {
    let (mut session, tea) = shop();

    let ordered = session.transaction(|session| {
        let order = OrderRepository.create(session, NewOrder::new("ada", tea.id, 1))?;
        assert_eq!(mails(session), [""; 0]);
        ship(session, order.id)
    });

    ordered.expect("there is enough");
    assert_eq!(
        mails(&session),
        ["ada: thank you for order 1", "ada: order 1 is on its way"]
    );
}

#[test]
fn the_buyer_is_warned_once() {
    let (mut session, tea) = shop();

    let (sold, captured) = session.capture(|session| {
        OrderRepository.create(session, NewOrder::new("ada", tea.id, 2))?;
        OrderRepository.create(session, NewOrder::new("grace", tea.id, 2))
    });
    sold.expect("there is enough");
    captured.assert_pending_times(running_low, 1);

    let (sold, recording) =
        session.record(|session| OrderRepository.create(session, NewOrder::new("ada", tea.id, 1)));
    sold.expect("there is enough");
    recording.assert_skipped(running_low, SkipReason::When);
}

#[test]
fn a_mail_that_cannot_be_sent_does_not_undo_the_sale() {
    let (mut session, tea) = shop();

    let sold = OrderRepository.create(&mut session, NewOrder::new("no address", tea.id, 1));

    sold.expect("the mail is not part of it");
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    assert!(
        failures.latest[0]
            .to_string()
            .contains("this is no address")
    );
}

#[test]
fn an_import_tells_nobody() {
    let (mut session, tea) = shop();

    let imported = session
        .mute_all(|session| OrderRepository.create(session, NewOrder::new("ada", tea.id, 100)));
    imported.expect("no rule applies");
    assert_eq!(stock(&mut session, &tea), 6);

    // One receiver only; the rules still hold.
    let refused = session.mute(missed_sale, |session| {
        OrderRepository.create(session, NewOrder::new("eve", tea.id, 100))
    });
    assert!(refused.is_err());
    assert_eq!(mails(&session), [""; 0]);

    let given_away = ProductChanges {
        cents: Some(0),
        ..ProductChanges::default()
    };
    let invalid = session.mute_all(|session| ProductRepository.update(session, &tea, given_away));
    assert!(matches!(invalid, Err(Error::Invalid(_))), "{invalid:?}");
}
