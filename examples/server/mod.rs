//! Small servers on the loopback, for examples to speak to. They understand just enough.

pub mod http;
pub mod smtp;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a server received, in order.
pub(crate) struct Received<T>(Arc<Mutex<Vec<T>>>);

impl<T> Received<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, what: T) {
        self.lock().push(what);
    }

    fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.lock())
    }
}

impl<T> Clone for Received<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Serves one connection after another, until the program ends.
fn serve(
    mut connection: impl FnMut(TcpStream) -> std::io::Result<()> + Send + 'static,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up is no reason to stop.
            let _ = connection(stream);
        }
    });
    Ok(address)
}

/// The next line without its end, or `None` at the end of the stream.
fn line(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}
