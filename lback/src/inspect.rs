//! Looking at the registry: who listens to what, and whether it is in order.

use std::fmt;

use crate::error::{RegistryError, Result, Warning};
use crate::receiver::{OnError, Phase, Registration, SignalInfo};
use crate::registry::Registry;

/// Every receiver of the program, in the order in which they run.
///
/// # Errors
///
/// [`Error::Registry`](crate::Error::Registry) if they contradict each other.
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// #[receiver(user_post_create, order = -10)]
/// fn audit(user: &User) {}
///
/// print!("{}", lback::receivers()?);
/// # assert_eq!(lback::receivers()?.of("user_post_create").len(), 1);
/// # lback::Result::Ok(())
/// ```
pub fn receivers() -> Result<Listeners> {
    let registry = Registry::global()?;
    let listeners = registry.listings().iter().flat_map(|listing| {
        listing
            .receivers
            .iter()
            .map(|registration| Listener { registration })
    });
    let unheard = registry
        .listings()
        .iter()
        .filter(|it| it.receivers.is_empty());
    Ok(Listeners {
        listeners: listeners.collect(),
        unheard: unheard.map(|listing| listing.signal).collect(),
    })
}

/// Checks the receivers of the program against each other, as making a session does: equal ids,
/// circles of `before` and `after`, orders against something that is no receiver.
///
/// What is no contradiction, and probably a mistake, comes back, and is logged once as a warning.
///
/// # Errors
///
/// All that is wrong, at once.
///
/// ```
/// let warnings = lback::verify()?;
/// assert!(warnings.is_empty(), "{warnings:?}");
/// # Ok::<(), lback::listing::RegistryError>(())
/// ```
pub fn verify() -> std::result::Result<&'static [Warning], RegistryError> {
    Registry::global().map(Registry::warnings)
}

/// What [`receivers`] found. Prints as a table, or as JSON.
#[derive(Clone, Debug)]
pub struct Listeners {
    listeners: Vec<Listener>,
    unheard: Vec<&'static SignalInfo>,
}

impl Listeners {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Listener> {
        self.listeners.iter()
    }

    /// Those of one signal: by its name, or, where several modules declare the name, by its path
    /// (`lback::sqlite::user_post_create`).
    #[must_use]
    pub fn of(&self, signal: &str) -> Self {
        let is_meant = |info: &SignalInfo| match signal.rsplit_once("::") {
            None => signal == info.name(),
            Some((module, name)) => (module, name) == (info.module(), info.name()),
        };
        let listeners = self.iter().filter(|listener| is_meant(listener.signal));
        let unheard = self.unheard.iter().filter(|info| is_meant(info));
        Self {
            listeners: listeners.copied().collect(),
            unheard: unheard.copied().collect(),
        }
    }

    /// The signals that are declared and that nobody listens to.
    ///
    /// ```standalone_crate
    /// use lback::prelude::*;
    ///
    /// #[signal]
    /// struct OrderShipped {
    ///     number: i32,
    /// }
    ///
    /// let listeners = lback::receivers()?;
    /// assert!(listeners.unheard().any(|signal| signal.name() == "order_shipped"));
    /// # lback::Result::Ok(())
    /// ```
    pub fn unheard(&self) -> impl Iterator<Item = &'static SignalInfo> {
        self.unheard.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// An array of objects, in the order in which they run, for other tools to read.
    ///
    /// ```
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// #[receiver(user_post_create, after_commit, id = "mail.welcome")]
    /// fn welcome(user: &User) {}
    ///
    /// let json = lback::receivers()?.of("user_post_create").to_json();
    /// assert!(json.contains(r#""id": "mail.welcome""#), "{json}");
    /// assert!(json.contains(r#""phase": "after_commit""#), "{json}");
    /// # lback::Result::Ok(())
    /// ```
    pub fn to_json(&self) -> String {
        let all: Vec<_> = self.iter().map(|listener| listener.as_value()).collect();
        format!("{:#}", serde_json::Value::from(all))
    }
}

impl<'l> IntoIterator for &'l Listeners {
    type Item = &'l Listener;
    type IntoIter = std::slice::Iter<'l, Listener>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One receiver of one signal.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    registration: &'static Registration,
}

impl Listener {
    fn as_value(self) -> serde_json::Value {
        let phase = match self.phase {
            Phase::InTransaction => "in_transaction",
            Phase::AfterCommit => "after_commit",
            Phase::AfterRollback => "after_rollback",
            Phase::Durable => "durable",
        };
        let on_error = match self.on_error {
            OnError::Abort => "abort",
            OnError::Isolate => "isolate",
        };
        serde_json::json!({
            "signal": format!("{}::{}", self.signal.module(), self.signal.name()),
            "phase": phase,
            "async": self.is_async,
            "order": self.order,
            "id": self.id,
            "receiver": self.path,
            "on_error": on_error,
            "place": self.place.to_string(),
        })
    }
}

impl Listener {
    /// When it runs, and whether as an `async fn`.
    fn way(self) -> String {
        let is_async = if self.is_async { ", async" } else { "" };
        format!("{}{is_async}", self.phase)
    }
}

impl std::ops::Deref for Listener {
    type Target = Registration;

    fn deref(&self) -> &Registration {
        self.registration
    }
}

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("no receivers\n")?;
            return self.print_unheard(f);
        }
        let rows: Vec<[String; 5]> =
            std::iter::once(["signal", "phase", "order", "id", "place"].map(str::to_owned))
                .chain(self.listeners.iter().map(|listener| {
                    [
                        format!("{}::{}", listener.signal.module(), listener.signal.name()),
                        listener.way(),
                        listener.order.to_string(),
                        listener.id.to_owned(),
                        listener.place.to_string(),
                    ]
                }))
                .collect();
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for [signal, phase, order, id, place] in &rows {
            writeln!(
                f,
                "{signal:<0$}  {phase:<1$}  {order:>2$}  {id:<3$}  {place}",
                widths[0], widths[1], widths[2], widths[3],
            )?;
        }
        self.print_unheard(f)
    }
}

impl Listeners {
    /// Those of the framework's own are many, and no mistake.
    fn print_unheard(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.unheard().filter(|signal| !is_of_the_framework(signal));
        let names: Vec<_> = own
            .map(|signal| format!("{}::{}", signal.module(), signal.name()))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        writeln!(f, "nobody listens to {}", names.join(", "))
    }
}

fn is_of_the_framework(signal: &SignalInfo) -> bool {
    signal.module().split("::").next() == Some("lback")
}
