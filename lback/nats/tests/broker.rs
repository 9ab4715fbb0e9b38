//! A stream of a test's own, and an application whose events go there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lback::ManualRegistry;
use lback::listing::RegistryError;
use lback::outbox::Depth;
use lback::sqlite::{Database, prelude::*, users::*};
use lback_nats::Publisher;
use lback_nats::async_nats::jetstream::{self, Context, message::StreamMessage, stream};
use lback_nats::async_nats::{Client, ConnectOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A connection to the server, with a stream for all subjects that begin with its name.
pub(crate) struct Broker {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    name: String,
}

impl Broker {
    /// On the server that the environment names; `None`, with a word, if it names none.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let Ok(url) = std::env::var("LBACK_TEST_NATS_URL") else {
            println!(
                "left out: LBACK_TEST_NATS_URL is not set (`tests/services up nats` starts a server)"
            );
            return None;
        };
        Some(Self::at(&url, name, stream::Config::default()))
    }

    pub(crate) fn at(url: &str, name: &str, config: stream::Config) -> Self {
        let broker = Self::connected(url, name);
        let context = broker.context();
        broker.runtime.block_on(async {
            // What an earlier run has left on a server that lives longer.
            let _ = context.delete_stream(name).await;
            let config = stream::Config {
                name: name.to_owned(),
                subjects: vec![format!("{name}.>")],
                ..config
            };
            context.create_stream(config).await.unwrap();
        });
        broker
    }

    /// With the stream that is there.
    pub(crate) fn connected(url: &str, name: &str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let options = ConnectOptions::new().reconnect_delay_callback(|_| Duration::from_millis(50));
        let client = runtime.block_on(options.connect(url)).unwrap();
        Self {
            runtime,
            client,
            name: name.to_owned(),
        }
    }

    pub(crate) fn context(&self) -> Context {
        let _in = self.runtime.enter();
        jetstream::new(self.client.clone())
    }

    pub(crate) fn publisher(&self) -> Publisher {
        Publisher::new(self.context(), "https://app.example/users").unwrap()
    }

    /// All that the stream has.
    pub(crate) fn messages(&self) -> Vec<StreamMessage> {
        let context = self.context();
        self.runtime.block_on(async {
            let mut stream = context.get_stream(&self.name).await.unwrap();
            let last = stream.info().await.unwrap().state.last_sequence;
            let mut all = Vec::new();
            for sequence in 1..=last {
                all.push(stream.get_raw_message(sequence).await.unwrap());
            }
            all
        })
    }

    /// What the events say.
    pub(crate) fn events(&self) -> Vec<Value> {
        let messages = self.messages();
        let event = |message: &StreamMessage| serde_json::from_slice(&message.payload).unwrap();
        messages.iter().map(event).collect()
    }

    pub(crate) fn session(&self, app: &App) -> Session {
        let session = app.database.session().unwrap();
        session.with_runtime(self.runtime.handle().clone())
    }
}

/// What `manual_registry!` gives: a test hears its own receiver only.
type Registry = Result<ManualRegistry, RegistryError>;

/// An application on a file of its own.
pub(crate) struct App {
    pub(crate) database: Database,
    _folder: Option<TempDir>,
}

impl App {
    pub(crate) fn new(publisher: Publisher, registry: Registry) -> Self {
        let folder = TempDir::new().unwrap();
        let mut app = Self::at(&folder.path().join("app.db"), publisher, registry);
        app._folder = Some(folder);
        app
    }

    pub(crate) fn at(file: &Path, publisher: Publisher, registry: Registry) -> Self {
        let database = Database::builder()
            .with_state(publisher)
            .with_registry(&registry.unwrap())
            .connect(file.to_str().unwrap())
            .unwrap();
        let mut session = database.session().unwrap();
        lback::sqlite::migrate(&mut session).unwrap();
        lback::sqlite::migrate_outbox(&mut session).unwrap();
        drop(session);
        Self {
            database,
            _folder: None,
        }
    }

    pub(crate) fn create(&self, name: &str) -> User {
        let new = NewUser::new(name, format!("{name}@example.com"), "correct horse battery");
        let mut session = self.database.session().unwrap();
        UserRepository::new()
            .create(&mut session, new.unwrap())
            .unwrap()
    }

    pub(crate) fn depths(&self) -> Vec<Depth> {
        self.database.session().unwrap().outbox().depths().unwrap()
    }

    /// Why the dead letters are dead.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut session = self.database.session().unwrap();
        let letters = session.outbox().dead_letters(100).unwrap();
        letters.into_iter().map(|letter| letter.error).collect()
    }
}

/// A server of a test's own, to be stopped and started.
pub(crate) struct Server {
    folder: TempDir,
}

impl Server {
    /// `None`, with a word, where it is not installed.
    pub(crate) fn start() -> Option<(Self, String)> {
        let server = Self {
            folder: TempDir::new().unwrap(),
        };
        server.run(&["up", "nats"]);
        let env = server.run(&["env"]);
        let Some((_, url)) = env.trim().split_once('=') else {
            println!("left out: nats-server is not installed");
            return None;
        };
        Some((server, url.to_owned()))
    }

    /// Runs a command of `tests/services`.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../tests/services"]
            .iter()
            .collect();
        let mut command = Command::new(script);
        let command = command.args(arguments);
        let output = command.env("CARGO_TARGET_DIR", self.folder.path()).output();
        let output = output.expect("it is a script for bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn url() -> String {
    std::env::var("LBACK_TEST_NATS_URL").unwrap()
}
