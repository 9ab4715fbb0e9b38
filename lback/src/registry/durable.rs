//! Whose a row of the outbox is: no two durable receivers may claim one.

use std::any::TypeId;
use std::collections::BTreeMap;

use super::Listing;
use crate::error::Problem;
use crate::receiver::Registration;

/// A row says the id of its receiver and the name of the signal; which table it stands in, the connection.
type Address = (&'static str, &'static str, TypeId);

/// Reports ids that several go by.
pub(super) fn shared_ids(listings: &[Listing]) -> Vec<Problem> {
    let mut by_address: BTreeMap<Address, Vec<&'static Registration>> = BTreeMap::new();
    for receiver in listings.iter().flat_map(|listing| &listing.receivers) {
        let Some(durable) = receiver.durable else {
            continue;
        };
        for id in std::iter::once(&receiver.id).chain(durable.aliases) {
            let address = (*id, receiver.signal.name(), (durable.connection)());
            by_address.entry(address).or_default().push(receiver);
        }
    }
    let shared = by_address.into_iter().filter(|(_, all)| all.len() > 1);
    let problem = |((id, ..), mut receivers): (Address, Vec<&'static Registration>)| {
        receivers.sort_by_key(|receiver| (receiver.place.file, receiver.place.line));
        // Those of one signal that have one id are reported anyway.
        let is_said = receivers.iter().all(|it| it.id == id)
            && receivers.iter().all(|it| it.signal == receivers[0].signal);
        (!is_said).then_some(Problem::SharedId { id, receivers })
    };
    shared.filter_map(problem).collect()
}
