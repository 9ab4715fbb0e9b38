//! Any Diesel model with one key column has a repository: integers, newtypes, UUIDs and texts as
//! keys, made by the database or given; nullable, defaulted, enum and JSON columns; a table in a
//! schema; another name in the signals.

use crate::database::shop::*;
use lback::{Error, Page, Repository, receiver};
use lback_tests::Trace;
use lback_tests_shop::{Kind, OrderId, Status};

#[receiver(account_pre_create, account_post_create, account_post_delete)]
fn an_account(sender: &Customers, signal: &lback::SignalInfo, session: &mut Session) {
    let _ = sender;
    if let Some(trace) = session.state::<Trace>() {
        trace.note(signal.name());
    }
}

#[receiver(account_post_delete)]
fn a_closed_account(account: &Customer, account_id: CustomerId, #[state] trace: &Trace) {
    assert_eq!(account.id, account_id);
    trace.note(format!("{} has left", account.name));
}

fn germany() -> Country {
    Country {
        code: "de".to_owned(),
        name: "Germany".to_owned(),
    }
}

fn ada() -> NewCustomer {
    NewCustomer {
        id: CustomerId::from_u128(7),
        name: "Ada".to_owned(),
        country: "de".to_owned(),
        card: None,
    }
}

/// A shop with one country and one customer.
fn open() -> Option<(Opened, Session, Trace)> {
    let shop = Opened::fresh()?;
    let trace = Trace::new();
    let mut session = shop.session().with_state(trace.clone());
    Countries.create(&mut session, germany()).unwrap();
    Customers.create(&mut session, ada()).unwrap();
    Some((shop, session, trace))
}

#[test]
fn keys_may_be_given_by_the_caller() {
    let Some((_shop, mut session, trace)) = open() else {
        return;
    };

    let found = Customers
        .find(&mut session, CustomerId::from_u128(7))
        .unwrap();
    assert_eq!(found.as_ref().map(|ada| ada.name.as_str()), Some("Ada"));
    let missing = Customers
        .find(&mut session, CustomerId::from_u128(8))
        .unwrap();
    assert_eq!(missing, None);

    let twice = Customers.create(&mut session, ada());
    assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
    let nowhere = NewCustomer {
        id: CustomerId::from_u128(9),
        country: "xx".to_owned(),
        ..ada()
    };
    let nowhere = Customers.create(&mut session, nowhere);
    assert!(
        matches!(nowhere, Err(Error::ForeignKey { .. })),
        "{nowhere:?}"
    );

    let ada = found.unwrap();
    trace.take();
    Customers.delete(&mut session, &ada).unwrap();
    assert_eq!(trace.take(), ["Ada has left", "account_post_delete"]);
    let gone = Customers.delete(&mut session, &ada).unwrap_err();
    assert!(
        matches!(
            gone,
            Error::NotFound {
                entity: "account",
                ..
            }
        ),
        "{gone:?}"
    );
}

#[test]
fn texts_are_keys() {
    let Some((_shop, mut session, _)) = open() else {
        return;
    };

    let changes = CountryChanges {
        name: Some("Deutschland".to_owned()),
    };
    let renamed = Countries
        .update(&mut session, "de".to_owned(), changes)
        .unwrap();
    assert_eq!(renamed.name, "Deutschland");
    assert!(Countries.exists(&mut session, &renamed).unwrap());
    assert!(!Countries.exists(&mut session, "fr").unwrap());
}

#[test]
fn columns_may_be_empty_or_have_defaults_or_be_enums() {
    let Some((_shop, mut session, _)) = open() else {
        return;
    };
    let products = Products::default();

    let book = products
        .create(&mut session, NewProduct::book(" b1 "))
        .unwrap();
    assert_eq!(
        (
            book.sku.as_str(),
            book.kind,
            book.blurb.as_deref(),
            book.stock
        ),
        ("b1", Kind::Book, None, 10)
    );

    let changes = ProductChanges {
        kind: Some(Kind::Tool),
        blurb: Some(Some("heavy".to_owned())),
        ..ProductChanges::default()
    };
    let tool = products.update(&mut session, book.id, changes).unwrap();
    assert_eq!(
        (tool.kind, tool.blurb.as_deref()),
        (Kind::Tool, Some("heavy"))
    );
    let emptied = ProductChanges {
        blurb: Some(None),
        ..ProductChanges::default()
    };
    assert_eq!(
        products.update(&mut session, &tool, emptied).unwrap().blurb,
        None
    );
}

#[test]
fn what_is_validated_is_the_models_own() {
    let Some((_shop, mut session, _)) = open() else {
        return;
    };
    let products = Products { lowest: 500 };

    let nameless = products
        .create(&mut session, NewProduct::book("  "))
        .unwrap_err();
    assert!(
        matches!(&nameless, Error::Invalid(invalid) if invalid.field == "sku"),
        "{nameless:?}"
    );
    let cheap = NewProduct {
        price: 499,
        ..NewProduct::book("b1")
    };
    let cheap = products.create(&mut session, cheap).unwrap_err();
    assert!(
        matches!(&cheap, Error::Vetoed { field: Some(field), .. } if field == "price"),
        "{cheap:?}"
    );
    let book = products
        .create(&mut session, NewProduct::book("b1"))
        .unwrap();
    let negative = ProductChanges {
        stock: Some(-1),
        ..ProductChanges::default()
    };
    for refused in [
        products
            .update(&mut session, &book, negative.clone())
            .map(drop),
        products
            .update_many(&mut session, [&book], negative)
            .map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    assert_eq!(products.find(&mut session, book.id).unwrap(), Some(book));
}

#[test]
fn an_order_with_lines_is_stored_with_what_it_takes_or_not_at_all() {
    let Some((_shop, mut session, _)) = open() else {
        return;
    };
    let products = Products::default();
    let book = products
        .create(&mut session, NewProduct::book("b1"))
        .unwrap();
    let order = |session: &mut Session, quantities: &[i32]| {
        session.transaction(|session| {
            let order = NewOrder {
                customer: CustomerId::from_u128(7),
                status: Status::Shipped,
                details: serde_json::json!({ "gift": true, "to": ["Ada"] }),
            };
            let order = Orders.create(session, order)?;
            let lines = quantities.iter().map(|&quantity| NewOrderLine {
                order_id: order.id,
                product: book.id,
                quantity,
            });
            let lines = OrderLines.create_many(session, lines)?;
            lback::Result::Ok((order, lines))
        })
    };

    let (stored, lines) = order(&mut session, &[4, 3]).unwrap();
    assert_eq!(stored.status, Status::Open);
    assert_eq!(stored.details["to"][0], "Ada");
    assert_eq!(
        lines.iter().map(|line| line.quantity).collect::<Vec<_>>(),
        [4, 3]
    );
    let stock = |session: &mut Session| products.find(session, book.id).unwrap().unwrap().stock;
    assert_eq!(stock(&mut session), 3);

    let too_many = order(&mut session, &[2, 2]);
    assert!(
        matches!(too_many, Err(Error::ReceiverFailed { .. })),
        "{too_many:?}"
    );
    assert_eq!(stock(&mut session), 3);
    assert_eq!(Orders.count(&mut session).unwrap(), 1);

    let details = OrderChanges {
        details: Some(serde_json::json!(null)),
        ..OrderChanges::default()
    };
    let changed = Orders.update(&mut session, stored.id, details).unwrap();
    assert_eq!(changed.details, serde_json::Value::Null);
    let found = Orders.find(&mut session, OrderId(stored.id.0)).unwrap();
    assert_eq!(found, Some(changed));
}

#[test]
fn rows_are_listed_by_key_and_found_in_any_order() {
    let Some((_shop, mut session, _)) = open() else {
        return;
    };
    for number in [6, 4, 8, 5] {
        let customer = NewCustomer {
            id: CustomerId::from_u128(number),
            name: number.to_string(),
            ..ada()
        };
        Customers.create(&mut session, customer).unwrap();
    }
    let names = |customers: Vec<Customer>| -> Vec<String> {
        customers
            .into_iter()
            .map(|customer| customer.name)
            .collect()
    };

    let page = |session: &mut Session, number| {
        names(Customers.list(session, Page::new(number, 2)).unwrap())
    };
    assert_eq!(page(&mut session, 0), ["4", "5"]);
    assert_eq!(page(&mut session, 1), ["6", "Ada"]);
    assert_eq!(page(&mut session, 2), ["8"]);
    assert_eq!(page(&mut session, 3), [""; 0]);
    assert_eq!(Customers.count(&mut session).unwrap(), 5);

    let keys = [8, 99, 4, 8].map(CustomerId::from_u128);
    let found = Customers.find_many(&mut session, keys).unwrap();
    assert_eq!(found[1], None);
    let found = names(found.into_iter().flatten().collect());
    assert_eq!(found, ["8", "4", "8"]);
}
