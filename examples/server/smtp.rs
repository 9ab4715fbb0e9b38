//! A mail server that keeps what it is given, and can be told to take nothing.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Received, line, serve};

/// A mail server on the loopback.
pub struct Server {
    address: SocketAddr,
    is_busy: Arc<AtomicBool>,
    mails: Received<Mail>,
}

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The header `Message-ID`.
    pub id: String,
    /// The address in `RCPT TO`.
    pub to: String,
    /// The header `Subject`.
    pub subject: String,
    /// What stands below the headers.
    pub body: String,
}

impl Server {
    /// Starts it on a free port.
    pub fn start() -> std::io::Result<Self> {
        let mails = Received::new();
        let is_busy = Arc::new(AtomicBool::new(false));
        let (received, busy) = (mails.clone(), Arc::clone(&is_busy));
        let address =
            serve(move |stream| converse(stream, busy.load(Ordering::SeqCst), &received))?;
        Ok(Self {
            address,
            is_busy,
            mails,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whether it takes nothing from now on, and asks to come again.
    pub fn be_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::SeqCst);
    }

    /// Takes out what has arrived.
    pub fn take(&self) -> Vec<Mail> {
        self.mails.take()
    }
}

/// The commands of RFC 5321 that a client needs.
fn converse(stream: TcpStream, is_busy: bool, mails: &Received<Mail>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut to = String::new();
    if is_busy {
        return out.write_all(b"421 come again\r\n");
    }
    out.write_all(b"220 ready\r\n")?;
    while let Some(command) = line(&mut reader)? {
        let upper = command.to_ascii_uppercase();
        let answer = match upper.split([' ', ':']).next().unwrap_or_default() {
            "RCPT" => {
                let address = command.split(['<', '>']).nth(1);
                address.unwrap_or_default().clone_into(&mut to);
                "250 ok"
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                mails.push(mail(&to, &mut reader)?);
                "250 kept"
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                break;
            }
            _ => "250 ok",
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// Headers, an empty line, the body, and a line with one full stop.
fn mail(to: &str, reader: &mut BufReader<TcpStream>) -> std::io::Result<Mail> {
    let mut mail = Mail {
        id: String::new(),
        to: to.to_owned(),
        subject: String::new(),
        body: String::new(),
    };
    let (mut in_body, mut is_quoted) = (false, false);
    while let Some(line) = line(reader)? {
        if line == "." {
            break;
        }
        if in_body {
            mail.body.push_str(&line);
            mail.body.push('\n');
        } else if line.is_empty() {
            in_body = true;
        } else if let Some(subject) = line.strip_prefix("Subject: ") {
            subject.clone_into(&mut mail.subject);
        } else if let Some(id) = line.strip_prefix("Message-ID: ") {
            id.clone_into(&mut mail.id);
        } else if line.ends_with("quoted-printable") {
            is_quoted = true;
        }
    }
    if is_quoted {
        mail.body = unquoted(&mail.body);
    }
    Ok(mail)
}

/// Text from its quoted-printable form (RFC 2045, 6.7), as far as it is ASCII.
fn unquoted(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut parts = joined.split('=');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        text.extend(u8::from_str_radix(code, 16).map(char::from));
        text.push_str(rest);
    }
    text
}
