//! To which receivers of this program rows go.

use std::any::TypeId;

use crate::error::Result;
use crate::receiver::{Durable, Registration};
use crate::registry::Registry;
use crate::session::{Session, SessionConnection};

/// Rows with this id and of this signal go to this receiver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) id: &'static str,
    pub(super) receiver: &'static Registration,
    pub(super) durable: &'static Durable,
}

impl Route {
    pub(super) fn signal(&self) -> &'static str {
        self.receiver.signal.name()
    }

    pub(super) fn is_of(&self, id: &str, signal: &str) -> bool {
        self.id == id && self.signal() == signal
    }
}

/// Those of the receivers that a session hears, on its kind of connection, under each of their ids.
pub(super) fn routes<C: SessionConnection>(session: &Session<C>) -> Result<Vec<Route>> {
    let registry = match session.own_registry() {
        Some(registry) => registry,
        None => Registry::global()?,
    };
    let receivers = registry.listings().iter().flat_map(|it| &it.receivers);
    let durable = receivers.filter_map(|&receiver| Some((receiver, receiver.durable?)));
    let here = durable.filter(|(_, durable)| (durable.connection)() == TypeId::of::<C>());
    let routes = here.flat_map(|(receiver, durable)| {
        let ids = std::iter::once(&receiver.id).chain(durable.aliases);
        ids.map(move |id| Route {
            id,
            receiver,
            durable,
        })
    });
    Ok(routes.collect())
}
