//! A column of an application's own that is a `Secret` is stored as it is, and printed nowhere.

use crate::database::shop::*;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use lback::{Repository, Secret};
use std::sync::{Arc, Mutex};

const CARD: &str = "4111-canary";

#[test]
fn a_secret_is_stored_and_not_printed() {
    let Some(shop) = Opened::fresh() else {
        return;
    };
    let mut session = shop.session().with_state(lback_tests::Trace::new());
    let country = Country {
        code: "de".to_owned(),
        name: "Germany".to_owned(),
    };
    Countries.create(&mut session, country).unwrap();
    let log = Arc::new(Mutex::new(String::new()));
    let written = Arc::clone(&log);
    session
        .conn()
        .set_instrumentation(move |event: InstrumentationEvent<'_>| {
            written.lock().unwrap().push_str(&format!("{event:?}\n"));
        });
    let new = |number, card| NewCustomer {
        id: CustomerId::from_u128(number),
        name: "Ada".to_owned(),
        country: "de".to_owned(),
        card,
    };

    let printed = format!("{:?}", new(1, Some(Secret::from(CARD))));
    let ada = Customers
        .create(&mut session, new(1, Some(Secret::from(CARD))))
        .unwrap();
    let many = [new(2, None), new(3, Some(Secret::from(CARD)))];
    let many = Customers.create_many(&mut session, many).unwrap();
    let changes = CustomerChanges {
        card: Some(Some(Secret::from("4222-canary"))),
        ..CustomerChanges::default()
    };
    let changed = Customers
        .update(&mut session, &ada, changes.clone())
        .unwrap();

    assert_eq!(ada.card.as_ref().unwrap().expose_secret(), CARD);
    assert_eq!(many[0].card, None);
    assert_eq!(many[1].card, ada.card);
    assert_eq!(
        changed.card.as_ref().unwrap().expose_secret(),
        "4222-canary"
    );
    let stored: Vec<Option<String>> = schema::customers::table
        .order(schema::customers::id)
        .select(schema::customers::card)
        .load(session.conn())
        .unwrap();
    assert_eq!(
        stored,
        [Some("4222-canary".to_owned()), None, Some(CARD.to_owned())]
    );

    let log = log.lock().unwrap();
    assert!(log.contains("INSERT"), "{log}");
    let seen = format!("{log}{printed}{ada:?}{many:?}{changes:?}{changed:?}");
    assert!(!seen.contains("canary"), "{seen}");
}
