//! A connection that breaks at the message it is told to: a proxy that counts the messages of the
//! database's own protocol, because how many of them a read of the socket returns is up to chance.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How messages are told apart.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// A letter, and a length that counts itself. The client's first message lacks the letter.
    Postgres,
    /// A length of three bytes, and a number.
    Mysql,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is cut before it.
    Cut,
    /// The connection is cut in the middle of it.
    CutInside,
    /// It is held back for a while.
    Delay(Duration),
}

/// A proxy in front of a server.
pub struct Wire {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    fault: Option<(Way, Fault)>,
    /// Messages that way until the fault strikes.
    left: u32,
    has_struck: bool,
}

impl Wire {
    /// A wire to `server`, which is `host:port`.
    pub fn to(server: &str, protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (server, shared) = (server.to_owned(), Arc::clone(&plan));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else {
                    return;
                };
                connect(&client, &server, protocol, &shared);
            }
        });
        Self { address, plan }
    }

    /// Where to connect to.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets the fault strike the message with this number that goes this way: 1 is the next one.
    pub fn break_at(&self, number: u32, way: Way, fault: Fault) {
        *lock(&self.plan) = Plan {
            fault: Some((way, fault)),
            left: number,
            has_struck: false,
        };
    }

    /// Nothing breaks from now on. Says whether the fault has struck.
    pub fn repair(&self) -> bool {
        std::mem::take(&mut *lock(&self.plan)).has_struck
    }
}

impl Plan {
    fn of_next(&mut self, way: Way) -> Option<Fault> {
        let (_, fault) = self.fault.filter(|(concerned, _)| *concerned == way)?;
        self.left = self.left.saturating_sub(1);
        if self.left > 0 || self.has_struck {
            return None;
        }
        self.has_struck = true;
        Some(fault)
    }
}

fn lock(plan: &Mutex<Plan>) -> std::sync::MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(client: &TcpStream, server: &TcpStream, protocol: Protocol, plan: &Arc<Mutex<Plan>>) {
    for (way, from, to) in [
        (Way::ToServer, client, server),
        (Way::ToClient, server, client),
    ] {
        to.set_nodelay(true).expect("a socket");
        let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
        let (from, to, plan) = (clone(from), clone(to), Arc::clone(plan));
        std::thread::spawn(move || {
            pass_on(&from, &to, way, protocol, &plan);
            // An end is an end for both, and for the other direction too.
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

/// Passes messages on until there are no more, or until one is where the connection is cut.
fn pass_on(
    mut from: &TcpStream,
    mut to: &TcpStream,
    way: Way,
    protocol: Protocol,
    plan: &Mutex<Plan>,
) {
    let (mut waiting, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    let mut is_first = true;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        waiting.extend_from_slice(&buffer[..length]);
        while let Some(length) =
            length_of_first(&waiting, protocol, is_first && way == Way::ToServer)
        {
            is_first = false;
            let message: Vec<u8> = waiting.drain(..length).collect();
            let fault = lock(plan).of_next(way);
            let passed = match fault {
                None => &message[..],
                Some(Fault::Cut) => return,
                Some(Fault::CutInside) => &message[..length / 2],
                Some(Fault::Delay(time)) => {
                    std::thread::sleep(time);
                    &message[..]
                }
            };
            if to.write_all(passed).is_err() || fault == Some(Fault::CutInside) {
                return;
            }
        }
    }
}

/// How long the first message is, if it is there as a whole.
fn length_of_first(bytes: &[u8], protocol: Protocol, has_no_letter: bool) -> Option<usize> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | usize::from(byte))
    };
    let length = match protocol {
        Protocol::Postgres if has_no_letter => number(bytes.get(..4)?),
        Protocol::Postgres => number(bytes.get(1..5)?) + 1,
        Protocol::Mysql => {
            let mut length = bytes.get(..3)?.to_vec();
            length.reverse();
            number(&length) + 4
        }
    };
    (bytes.len() >= length).then_some(length)
}
