//! Notifications: a welcome mail with a verification link, through a real SMTP client to a small server on the
//! loopback.
//!
//! A mail cannot be taken back, and must not be forgotten. So the receivers are durable: what they need is stored in
//! the same transaction as the user, and mailed afterwards, until the mail server has taken it. No mail for a user who
//! was not created after all, no database lock held while a mail server thinks, and none is lost if this process
//! dies in between. A mail may be sent twice then; both have the same `Message-ID`.
//!
//! `cargo run -p lback-examples --example notifications`

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lback::outbox::{Delivery, Undeliverable};
use lback::sqlite::{Database, prelude::*, users::*};
use lback::{BoxError, Timestamp};
use lback_examples::server::smtp;
use lettre::message::Mailbox;
use lettre::{Message, SmtpTransport, Transport};

/// Every new user gets a token; it is stored with the row.
#[receiver(user_pre_create)]
fn token_for_the_link(data: &mut NewUser) {
    data.email_verification_token = Some(Secret::generate_token());
    data.email_verification_token_expiry =
        Some(Timestamp::from(*Timestamp::now() + TimeDelta::hours(24)));
}

/// The outbox holds no secret, so the row is read again for its token. It may have changed by then, or be gone.
#[receiver(user_post_create, durable, id = "mail.welcome")]
fn welcome(
    user: &User,
    #[state] database: &Database,
    #[state] mailer: &Mailer,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let user = UserRepository::new().find(&mut database.session()?, user)?;
    let Some(token) = user
        .as_ref()
        .and_then(|it| it.email_verification_token.as_ref())
    else {
        return Ok(());
    };
    let to = user.as_ref().map_or("", |user| &user.email);
    // The one place that reads a token: it goes to the one person whom it is for.
    let link = format!("https://app.example/verify?token={}", token.expose_secret());
    mailer.send(
        delivery,
        to,
        "Welcome!",
        &format!("Please confirm:\n{link}\n"),
    )
}

/// To the old address, in case it was not its owner.
#[receiver(
    user_post_update,
    durable,
    id = "mail.moved",
    when = |user: &User, previous: &User| user.email != previous.email,
)]
fn your_address_was_changed(
    user: &User,
    previous: &User,
    #[state] mailer: &Mailer,
    #[state] delivery: &Delivery,
) -> Result<(), BoxError> {
    let text = format!(
        "It is {} now. If this was not you, write to us.\n",
        user.email
    );
    mailer.send(delivery, &previous.email, "Your address was changed", &text)
}

/// What the receivers send with.
struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Mailer {
    fn new(port: u16) -> Result<Self, BoxError> {
        // Plain text, to a server on this machine. Elsewhere: `SmtpTransport::relay`.
        let transport = SmtpTransport::builder_dangerous("127.0.0.1")
            .port(port)
            .timeout(Some(Duration::from_secs(5)))
            .build();
        let from = "App <app@app.example>".parse()?;
        Ok(Self { transport, from })
    }

    fn send(
        &self,
        delivery: &Delivery,
        to: &str,
        subject: &str,
        text: &str,
    ) -> Result<(), BoxError> {
        // No other attempt makes an address of it.
        let to = to
            .parse()
            .map_err(|_| Undeliverable("that is no address".into()))?;
        let mail = Message::builder()
            .message_id(Some(format!("<{}@app.example>", delivery.id)))
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .body(text.to_owned())?;
        self.transport.send(&mail)?;
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let folder = std::env::temp_dir().join(format!("lback-notifications-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let shown = show(&folder.join("app.db").to_string_lossy());
    std::fs::remove_dir_all(&folder)?;
    shown
}

fn show(file: &str) -> Result<(), BoxError> {
    let server = smtp::Server::start()?;
    let database = Database::builder()
        .with_state(Mailer::new(server.port())?)
        .with_failure_handler(|failure| println!("  alarm: {failure}"))
        .connect(file)?;
    let mut session = database.session()?;
    lback::sqlite::migrate(&mut session)?;
    lback::sqlite::migrate_outbox(&mut session)?;
    let worker = database.worker().start()?;
    let users = UserRepository::new();
    let password = Password::new("correct horse battery")?;
    let new =
        |name: &str| NewUser::with_password(name, format!("{name}@example.com"), password.clone());

    println!("ada registers");
    let ada = session.transaction(|session| {
        let ada = users.create(session, new("ada"))?;
        assert_eq!(server.take(), [], "nothing is sent before the commit");
        lback::Result::Ok(ada)
    })?;
    let mail = next_mail(&server)?;
    assert_eq!(mail.to, "ada@example.com");

    println!("ada follows the link");
    let (_, token) = mail.body.trim().rsplit_once("token=").ok_or("no link")?;
    let found = users
        .find_by_verification_token(&mut session, token)?
        .ok_or("the token is that of no user")?;
    assert_eq!(found.id, ada.id);
    let verified = UserChanges {
        is_email_verified: Some(true),
        email_verification_token: Some(None),
        email_verification_token_expiry: Some(None),
        ..Default::default()
    };
    let ada = users.update(&mut session, &ada, verified)?;
    assert!(ada.is_email_verified);
    assert_eq!(users.find_by_verification_token(&mut session, token)?, None);

    println!("ada changes her address");
    let moved = UserChanges {
        email: Some("countess@example.com".into()),
        ..Default::default()
    };
    users.update(&mut session, &ada, moved)?;
    assert_eq!(next_mail(&server)?.to, "ada@example.com");

    println!("grace registers, and then something fails: no mail");
    let failed: lback::Result<()> = session.transaction(|session| {
        users.create(session, new("grace"))?;
        Err(lback::Invalid::new("invitation", "it has expired").into())
    });
    assert!(failed.is_err());
    wait_until(|| Ok(session.outbox().depths()?.is_empty()))?;
    assert_eq!(server.take(), []);

    println!("the mail server is busy: the user is there, and the mail waits");
    server.be_busy(true);
    users.create(&mut session, new("linus"))?;
    wait_until(|| {
        Ok(session
            .outbox()
            .depths()?
            .iter()
            .any(|it| it.scheduled == 1))
    })?;
    assert_eq!(server.take(), []);
    println!("... until it takes it, a second later");
    server.be_busy(false);
    assert_eq!(next_mail(&server)?.to, "linus@example.com");

    println!("this process dies between the commit and the mail");
    worker.stop();
    users.create(&mut session, new("alan"))?;
    assert_eq!(server.take(), []);
    println!("... and another one goes on");
    let worker = database.worker().start()?;
    assert_eq!(next_mail(&server)?.to, "alan@example.com");
    wait_until(|| Ok(session.outbox().depths()?.is_empty()))?;
    worker.stop();
    Ok(())
}

fn next_mail(server: &smtp::Server) -> Result<smtp::Mail, BoxError> {
    let mut mails = Vec::new();
    wait_until(|| {
        mails.extend(server.take());
        Ok(!mails.is_empty())
    })?;
    let mail = mails
        .pop()
        .filter(|_| mails.is_empty())
        .ok_or("one mail, and no more")?;
    println!("  {} to {}: {}", mail.id, mail.to, mail.subject);
    Ok(mail)
}

fn wait_until(mut is_so: impl FnMut() -> lback::Result<bool>) -> Result<(), BoxError> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > Duration::from_secs(60) {
            return Err("it takes too long".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
