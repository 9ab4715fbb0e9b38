//! Servers of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Servers in a folder of their own, gone with it.
pub struct Services {
    folder: PathBuf,
    settings: Vec<(&'static str, &'static str)>,
}

impl Services {
    /// Starts one, and gives its URL; `None`, with a word on what is missing, where its programs are
    /// not installed. `settings` are for `tests/services`.
    pub fn up(
        folder: PathBuf,
        database: &str,
        settings: &[(&'static str, &'static str)],
    ) -> Option<(Self, String)> {
        let services = Self {
            folder,
            settings: settings.to_vec(),
        };
        let up = services.run(&["up", database]);
        assert!(
            up.status.success(),
            "{}",
            String::from_utf8_lossy(&up.stderr)
        );
        let env = String::from_utf8(services.run(&["env"]).stdout).expect("a text");
        let url = env.lines().find_map(|line| line.split_once('='));
        if url.is_none() {
            println!("left out: {}", String::from_utf8_lossy(&up.stderr));
        }
        url.map(|(_, url)| (services, url.to_owned()))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("services");
        Command::new(script)
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.folder)
            .envs(self.settings.iter().copied())
            .output()
            .expect("it is a script for bash")
    }

    /// Runs a command of `tests/services` that must succeed.
    pub fn done(&self, arguments: &[&str]) {
        let done = self.run(arguments);
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}
