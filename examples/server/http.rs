//! A web server that keeps what it is given, and can be told to fail.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::{Received, line, serve};

/// A web server on the loopback.
pub struct Server {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    requests: Received<Request>,
}

/// A request that was answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `PUT`.
    pub method: String,
    /// Such as `/users/1`.
    pub path: String,
    /// The header `Idempotency-Key`.
    pub key: String,
    /// The body.
    pub body: String,
}

impl Server {
    /// Starts it on a free port.
    pub fn start() -> std::io::Result<Self> {
        let requests = Received::new();
        let status = Arc::new(AtomicU16::new(200));
        let (received, answer) = (requests.clone(), Arc::clone(&status));
        let address =
            serve(move |stream| respond(stream, answer.load(Ordering::SeqCst), &received))?;
        Ok(Self {
            address,
            status,
            requests,
        })
    }

    /// The address of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Takes out what has been accepted.
    pub fn take(&self) -> Vec<Request> {
        self.requests.take()
    }
}

/// One request a connection.
fn respond(stream: TcpStream, status: u16, requests: &Received<Request>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let Some(start) = line(&mut reader)? else {
        return Ok(());
    };
    let mut words = start.split(' ').map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        key: String::new(),
        body: String::new(),
    };
    let mut length = 0;
    while let Some(header) = line(&mut reader)?.filter(|header| !header.is_empty()) {
        if let Some((name, value)) = header.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "idempotency-key" => value.trim().clone_into(&mut request.key),
                _ => {}
            }
        }
    }
    reader.take(length).read_to_string(&mut request.body)?;
    if status < 300 {
        requests.push(request);
    }
    let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    out.write_all(answer.as_bytes())
}
