//! A server's answers, lost on the way: a proxy that cuts a connection at a statement.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The statement never reaches the server.
    Before,
    /// The server has executed it, and its answer is lost.
    After,
}

/// Passes everything on, until it is told where to cut.
pub struct Proxy {
    address: SocketAddr,
    plan: Plan,
}

impl Proxy {
    /// A proxy in front of `server`, which is `host:port`.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let plan = Arc::new(Mutex::new(None));
        let (server, shared) = (server.to_owned(), Arc::clone(&plan));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else {
                    return;
                };
                pass_on(&client, &server, &shared);
            }
        });
        Self { address, plan }
    }

    /// Where to connect to.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Cuts the next connection that sends `text` as words of their own, once.
    pub fn cut(&self, cut: Cut, text: &'static str) {
        self.cut_later(cut, text, 0);
    }

    /// The same, after it has passed so many times.
    pub fn cut_later(&self, cut: Cut, text: &'static str, passes: u32) {
        *lock(&self.plan) = Some((cut, text, passes));
    }

    /// Whether the cut has been made.
    pub fn has_cut(&self) -> bool {
        lock(&self.plan).is_none()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Plan = Arc<Mutex<Option<(Cut, &'static str, u32)>>>;

fn pass_on(client: &TcpStream, server: &TcpStream, plan: &Plan) {
    for stream in [client, server] {
        stream.set_nodelay(true).expect("a socket");
    }
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
    // Whether the server's next answer is to be swallowed.
    let swallow = Arc::new(Mutex::new(false));

    let (mut from, mut to, swallowing) = (clone(client), clone(server), Arc::clone(&swallow));
    let plan = Arc::clone(plan);
    std::thread::spawn(move || {
        each_chunk(&mut from.try_clone().expect("a socket"), |chunk| {
            let mut planned = lock(&plan);
            if let Some((cut, text, passes)) = *planned {
                if !contains(chunk, text.as_bytes()) {
                } else if let Some(left) = passes.checked_sub(1) {
                    *planned = Some((cut, text, left));
                } else {
                    *planned = None;
                    if cut == Cut::Before {
                        let _ = from.shutdown(Shutdown::Both);
                        let _ = to.shutdown(Shutdown::Both);
                        return false;
                    }
                    *lock(&swallowing) = true;
                }
            }
            drop(planned);
            to.write_all(chunk).is_ok()
        });
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.flush();
    });

    let (mut from, mut to) = (clone(server), clone(client));
    std::thread::spawn(move || {
        each_chunk(&mut from, |chunk| {
            !*lock(&swallow) && to.write_all(chunk).is_ok()
        });
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

fn each_chunk(from: &mut TcpStream, mut go_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !go_on(&buffer[..length]) {
            return;
        }
    }
}

/// Not as the beginning of a longer word: COMMIT is none in READ COMMITTED.
fn contains(chunk: &[u8], text: &[u8]) -> bool {
    let mut places = (0..chunk.len()).map(|place| &chunk[place..]);
    places.any(|rest| {
        let behind = rest.strip_prefix(text);
        behind.is_some_and(|behind| !behind.first().is_some_and(u8::is_ascii_alphabetic))
    })
}
