//! A server on a free port, and a client that knows nothing of it.

use std::thread;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Theatre, becomes, runtimes, sorted};
use crate::web;

struct Client {
    root: String,
    agent: ureq::Agent,
}

impl Client {
    /// Of a server that runs as long as the runtime.
    fn of(theatre: &Theatre, runtime: &Runtime) -> Self {
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let router = web::router(theatre.database());
        runtime.spawn(async move { axum::serve(listener, router).await });
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Self {
            root: format!("http://{address}"),
            agent: config.build().into(),
        }
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.root));
        answer(request.content_type("application/json").send(body))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        answer(self.agent.get(format!("{}{path}", self.root)).call())
    }

    fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.agent.delete(format!("{}{path}", self.root)).call())
    }

    fn book(&self, show: i64, guest: &str, seats: i32) -> (u16, Value) {
        let wish = json!({ "guest": guest, "seats": seats }).to_string();
        self.post(&format!("/shows/{show}/bookings"), &wish)
    }
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut response = response.expect("the server answers");
    let text = response.body_mut().read_to_string().expect("a text");
    let status = response.status().as_u16();
    if status == 204 {
        return (status, Value::Null);
    }
    let json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    (status, json)
}

#[test]
fn a_booking_is_stored_noted_and_confirmed_and_given_up() {
    let [_, runtime] = runtimes();
    let Some(theatre) = Theatre::open(&runtime) else {
        return;
    };
    let client = Client::of(&theatre, &runtime);

    let (status, ada) = client.book(1, "ada", 2);
    assert_eq!(status, 201, "{ada}");
    assert_eq!(ada["guest"], "ada");
    assert_eq!(client.get("/shows/1/bookings"), (200, json!([ada])));
    // The answer comes when the receivers are done, those after the commit too.
    assert_eq!(theatre.mailbox.mails(), ["ada: booked"]);

    let number = &ada["id"];
    let given_up = client.delete(&format!("/bookings/{number}"));
    assert_eq!(given_up, (204, Value::Null));
    assert_eq!(client.get("/shows/1/bookings"), (200, json!([])));
    assert_eq!(theatre.mailbox.mails(), ["ada: booked", "ada: given up"]);
    let by_hand = format!("number {number} is given up");
    assert_eq!(
        theatre.journal(),
        ["ada: booked", &by_hand, "ada: given up"]
    );
}

#[test]
fn what_is_refused_is_told_as_json_and_leaves_nothing() {
    let [runtime, _] = runtimes();
    let Some(theatre) = Theatre::open(&runtime) else {
        return;
    };
    // The server needs somebody who drives it.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let small = theatre.show(10);
    let client = Client::of(&theatre, &runtime);
    let driver = thread::spawn(move || runtime.block_on(stopped));

    assert_eq!(client.book(small, "ada", 4).0, 201);
    let refused = client.book(small, "grace", 7);
    let why = json!({ "error": "only 6 seats are left", "field": "seats" });
    assert_eq!(refused, (422, why));
    let why = json!({ "error": "at least one", "field": "seats" });
    assert_eq!(client.book(small, "grace", 0), (422, why));
    let why = json!({ "error": "exists already" });
    assert_eq!(client.book(small, "ada", 1), (409, why));
    let not_found = (404, json!({ "error": "not found" }));
    assert_eq!(client.book(404, "grace", 1), not_found);
    assert_eq!(client.delete("/bookings/404"), not_found);
    assert_eq!(client.get("/no/such/path"), not_found);
    for (status, answer) in [
        client.post("/shows/1/bookings", "{"),
        client.post("/shows/1/bookings", "{}"),
        client.post("/shows/one/bookings", "{}"),
    ] {
        assert!((400..500).contains(&status), "{status}");
        assert!(answer["error"].is_string(), "{answer}");
    }

    assert_eq!(theatre.bookings().len(), 1);
    assert_eq!(theatre.journal(), ["ada: booked"]);
    assert_eq!(theatre.mailbox.mails(), ["ada: booked"]);
    stop.send(()).expect("it waits");
    let _ = driver.join().expect("no panic");
}

#[test]
fn a_mail_that_cannot_be_sent_takes_no_booking_back() {
    let [_, runtime] = runtimes();
    let Some(theatre) = Theatre::open(&runtime) else {
        return;
    };
    let client = Client::of(&theatre, &runtime);
    assert_eq!(client.book(1, "no address", 1).0, 201);
    assert_eq!(theatre.bookings().len(), 1);
    assert_eq!(theatre.mailbox.failures().len(), 1);
    assert_eq!(theatre.mailbox.mails(), [""; 0]);
}

#[test]
fn the_last_seats_are_given_once_whoever_wants_them_at_the_same_time() {
    let [_, runtime] = runtimes();
    let Some(theatre) = Theatre::open(&runtime) else {
        return;
    };
    let small = theatre.show(9);
    let client = Client::of(&theatre, &runtime);
    let answers: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..8)
            .map(|number| {
                let client = &client;
                scope.spawn(move || client.book(small, &format!("guest{number}"), 3))
            })
            .collect();
        let answers = asked
            .into_iter()
            .map(|asked| asked.join().expect("no panic"));
        answers.collect()
    });
    let stored = answers.iter().filter(|(status, _)| *status == 201).count();
    let refused = answers.iter().filter(|(status, _)| *status == 422).count();
    assert_eq!((stored, refused), (3, 5), "{answers:?}");
    assert_eq!(theatre.bookings().len(), 3);
    let is_told = || {
        theatre
            .mailbox
            .mails()
            .contains(&"house: sold out".to_owned())
    };
    assert!(becomes(&runtime, is_told), "{:?}", theatre.mailbox.mails());
    let mut confirmed = theatre.mailbox.mails();
    confirmed.retain(|mail| mail != "house: sold out");
    assert_eq!(sorted(confirmed), sorted(theatre.journal()));
}
