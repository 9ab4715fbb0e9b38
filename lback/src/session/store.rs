//! What a transaction stores for durable receivers: queued when a signal is sent, written just before the
//! outermost COMMIT, when it is known what lasts.

use super::ledger::{Guarding, Parcel};
use super::{Event, Session, SessionConnection, Target, WAKE};
use crate::care::caught;
use crate::error::{Error, Result, of_receiver};
use crate::receiver::{Encodings, Stored};
use crate::value::uuid_v7;

impl<C: SessionConnection> Session<C> {
    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __encodings(&mut self) -> &mut Encodings {
        &mut self.ledger.parcels.encodings
    }

    /// What was written of arguments is of a sending that is over.
    pub(crate) fn forget_encodings(&mut self) {
        self.ledger.parcels.encodings.clear();
    }

    // Not public API. Used by generated code.
    #[doc(hidden)]
    pub fn __store(&mut self, stored: Stored) {
        let running = self.ledger.chain.running();
        let Some((receiver, durable)) = running.and_then(|it| Some((it, it.durable?))) else {
            return;
        };
        let (mut payload, key) = stored.finish();
        let id = uuid_v7().unwrap_or_else(|| {
            payload = Err("there are no random numbers".to_owned());
            String::new()
        });
        self.ledger.parcels.push(Parcel {
            id,
            receiver,
            version: durable.version.into(),
            generation: i64::from(self.ledger.effects.generation) + 1,
            key,
            payload,
        });
    }

    /// Writes the parcels of the transaction that is about to commit, and looks whether its COMMIT can be
    /// believed, if it must.
    #[cold]
    pub(super) fn store_parcels(&mut self, parcels: &[Parcel], must_probe: bool) -> Result<()> {
        self.ledger.check_writable()?;
        for parcel in parcels {
            if let Err(why) = &parcel.payload {
                return Err(of_receiver(parcel.receiver, why.clone().into()));
            }
        }
        let (held, due): (Vec<_>, Vec<_>) = parcels.iter().partition(|it| it.key.is_some());
        self.write(|conn| {
            conn.insert(&due, false)?;
            conn.insert(&held, true)
        })?;
        // Where an aborted transaction refuses every statement, one that was executed is as good as a probe.
        let is_proved = C::REFUSES_WHEN_ABORTED && self.ledger.guarding() == Guarding::None;
        if must_probe && !is_proved {
            self.probe()?;
        }
        Ok(())
    }

    /// The transaction that wrote them has committed.
    #[cold]
    pub(super) fn parcels_stored(&mut self, parcels: &[Parcel]) {
        for parcel in parcels {
            self.observe(|| Event::Stored(Target(parcel.receiver)));
        }
        // Held rows of a key were behind others, or are the first. Whoever has just delivered what was before
        // them did not see them. Should this fail, a sweep does it.
        let held = parcels
            .iter()
            .filter_map(|it| Some((it.receiver.id, it.key.as_deref()?)));
        let mut held: Vec<_> = held.collect();
        held.sort_unstable();
        held.dedup();
        for of_one in held.chunk_by(|(one, _), (other, _)| one == other) {
            let keys: Vec<_> = of_one.iter().map(|(_, key)| *key).collect();
            let promoted = self.statement(|conn| conn.promote(of_one[0].0, &keys));
            if promoted.is_err() {
                break;
            }
        }
        WAKE.up();
        // After the commit: inside the transaction, all that tell others would wait for each other.
        if C::TELLS_OTHERS && self.ledger.base() == 0 && WAKE.may_tell() {
            // Whoever is not told looks by himself.
            let _ = self.statement(C::tell_others);
        }
    }

    /// A statement of the outbox failed: because its table is not there?
    #[cold]
    pub(crate) fn without_outbox(&mut self, error: Error) -> Error {
        if matches!(error, Error::Database(_)) && !self.in_transaction() {
            match caught(|| self.raw().has_outbox()) {
                Ok(Ok(false)) => return Error::NoOutbox,
                Ok(_) => {}
                Err(panic) => self.report_panic(panic),
            }
        }
        error
    }
}
