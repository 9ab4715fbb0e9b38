//! Looking at the registry: who listens to what, and whether it is in order.

use std::fmt;

use crate::error::Result;
use crate::receiver::Registration;
use crate::registry::{Registry, RegistryError};

/// Every receiver of the program, in the order in which they run.
///
/// # Errors
///
/// [`Error::Registry`](crate::Error::Registry) if they contradict each other.
///
/// ```standalone_crate
/// use lback::sqlite::prelude::*;
///
/// #[receiver(user_post_create, order = -10)]
/// fn audit(user: &User) {}
///
/// print!("{}", lback::receivers()?);
/// # assert_eq!(lback::receivers()?.of("user_post_create").count(), 1);
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
    Ok(Listeners {
        listeners: listeners.collect(),
    })
}

/// Checks the receivers of the program against each other, as making a session does: equal ids,
/// circles of `before` and `after`, orders against something that is no receiver.
///
/// # Errors
///
/// All that is wrong, at once.
///
/// ```
/// lback::verify()?;
/// # Ok::<(), lback::RegistryError>(())
/// ```
pub fn verify() -> std::result::Result<(), RegistryError> {
    Registry::global().map(|_| ())
}

/// What [`receivers`] found. Prints as a table.
#[derive(Clone, Debug)]
pub struct Listeners {
    listeners: Vec<Listener>,
}

impl Listeners {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.iter()
    }

    /// Those of one signal, by its name.
    pub fn of<'n>(&'n self, signal: &'n str) -> impl Iterator<Item = &'n Listener> {
        self.iter()
            .filter(move |listener| listener.signal.name() == signal)
    }
}

/// One receiver of one signal.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    registration: &'static Registration,
}

impl std::ops::Deref for Listener {
    type Target = Registration;

    fn deref(&self) -> &Registration {
        self.registration
    }
}

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 5]> =
            std::iter::once(["signal", "phase", "order", "id", "place"].map(str::to_owned))
                .chain(self.listeners.iter().map(|listener| {
                    [
                        format!("{}::{}", listener.signal.module(), listener.signal.name()),
                        listener.phase.to_string(),
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
        Ok(())
    }
}
