//! Notifications: a welcome mail with a verification link, sent after the commit, through a real
//! SMTP client to a small server on the loopback.
//!
//! A mail cannot be taken back. So it waits for the commit: no mail for a user who was not created
//! after all, and no database lock held while a mail server thinks.
//!
//! `cargo run -p lback-examples --example notifications`

use chrono::TimeDelta;
use lback::Timestamp;
use lback::sqlite::{prelude::*, users::*};
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

/// Sends it, once the user is really there.
#[receiver(user_post_create, after_commit)]
fn welcome(user: &User, #[state] mailer: &Mailer) -> Result<(), MailError> {
    let Some(token) = &user.email_verification_token else {
        return Ok(());
    };
    // The one place that reads a token: it goes to the one person whom it is for.
    let link = format!("https://app.example/verify?token={}", token.expose_secret());
    mailer.send(
        &user.email,
        "Welcome!",
        &format!("Please confirm:\n{link}\n"),
    )
}

/// To the old address, in case it was not its owner.
#[receiver(
    user_post_update,
    after_commit,
    when = |user: &User, previous: &User| user.email != previous.email,
)]
fn your_address_was_changed(
    user: &User,
    previous: &User,
    #[state] mailer: &Mailer,
) -> Result<(), MailError> {
    let text = format!(
        "It is {} now. If this was not you, write to us.\n",
        user.email
    );
    mailer.send(&previous.email, "Your address was changed", &text)
}

type MailError = Box<dyn std::error::Error + Send + Sync>;

/// What the receivers send with.
struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Mailer {
    fn new(port: u16) -> Result<Self, MailError> {
        // Plain text, to a server on this machine. Elsewhere: `SmtpTransport::relay`.
        let transport = SmtpTransport::builder_dangerous("127.0.0.1")
            .port(port)
            .timeout(Some(std::time::Duration::from_secs(5)))
            .build();
        let from = "App <app@app.example>".parse()?;
        Ok(Self { transport, from })
    }

    fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), MailError> {
        let mail = Message::builder()
            .from(self.from.clone())
            .to(to.parse()?)
            .subject(subject)
            .body(text.to_owned())?;
        self.transport.send(&mail)?;
        Ok(())
    }
}

fn main() -> Result<(), MailError> {
    let server = smtp::Server::start()?;
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Mailer::new(server.port())?);
    lback::sqlite::migrate(&mut session)?;
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
    let mails = server.take();
    let [mail] = &mails[..] else {
        panic!("one mail, and not {mails:?}");
    };
    println!("  to {}: {}", mail.to, mail.subject);
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
    let mails = server.take();
    println!("  to {}: {}", mails[0].to, mails[0].subject);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "ada@example.com");

    println!("grace registers, and then something fails: no mail");
    let failed: lback::Result<()> = session.transaction(|session| {
        users.create(session, new("grace"))?;
        Err(lback::Invalid::new("invitation", "it has expired").into())
    });
    assert!(failed.is_err());
    assert_eq!(server.take(), []);

    println!("the mail server is down: the user is there, and the failure is known");
    let nobody_listens = Mailer::new(1)?;
    session.with(nobody_listens, |session| {
        users.create(session, new("linus"))
    })?;
    assert!(users.find_by_username(&mut session, "linus")?.is_some());
    let failures = session.take_failures();
    assert_eq!(failures.count, 1);
    println!("  {}", failures.latest[0]);
    Ok(())
}
