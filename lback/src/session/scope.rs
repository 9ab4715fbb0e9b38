//! Scopes: mute, record, capture. Each is a closure on one session, so two tests in parallel never
//! meet, and each is over after a panic too.

use std::any::TypeId;

use super::ledger::Effect;
use super::run::Work;
use super::{
    Captured, Event, FailureCause, PendingEffect, Recording, Session, SessionConnection, Target,
};
use crate::care::text_of;
use crate::receiver::Registration;
use crate::registry::Registry;

/// What is in force. Absent in a session that never had a scope, or whose last one is over.
#[derive(Default)]
pub(super) struct Scopes {
    muted: Vec<TypeId>,
    all_muted: u32,
    recordings: Vec<Recording>,
    /// How many captures are in force.
    capturing: u32,
    own_registry: Option<&'static Registry>,
}

impl Scopes {
    fn is_idle(&self) -> bool {
        self.muted.is_empty()
            && self.all_muted == 0
            && self.recordings.is_empty()
            && self.capturing == 0
            && self.own_registry.is_none()
    }
}

impl<C: SessionConnection> Session<C> {
    /// Silences a signal, or a receiver, for the length of a closure.
    ///
    /// The target is named by its path: `session.mute(user_post_create, ..)` for all receivers of
    /// a signal, `session.mute(audit, ..)` for one function, whatever it listens to. Decided when
    /// a signal is sent: an effect queued before the scope still runs.
    ///
    /// # Panics
    ///
    /// If `target` is neither a signal nor a receiver.
    ///
    /// ```standalone_crate
    /// use lback::sqlite::{prelude::*, users::*};
    ///
    /// #[receiver(user_pre_create)]
    /// fn nobody(data: &NewUser) -> Result<(), Veto> {
    ///     Err(Veto::new("closed"))
    /// }
    ///
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// # lback::sqlite::migrate(&mut session)?;
    /// let new = NewUser::new("ada", "ada@example.com", "correct horse battery")?;
    /// session.mute(nobody, |session| UserRepository::new().create(session, new))?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn mute<T: 'static, R>(&mut self, target: T, scope: impl FnOnce(&mut Self) -> R) -> R {
        let _ = target;
        let key = TypeId::of::<T>();
        assert!(
            is_signal_or_receiver(key),
            "`{}` is neither a signal nor a receiver, so it cannot be muted",
            std::any::type_name::<T>()
        );
        self.scoped(
            |scopes| scopes.muted.push(key),
            scope,
            |scopes| {
                scopes.muted.pop();
            },
        )
        .0
    }

    /// Silences every receiver for the length of a closure.
    pub fn mute_all<R>(&mut self, scope: impl FnOnce(&mut Self) -> R) -> R {
        self.scoped(
            |scopes| scopes.all_muted += 1,
            scope,
            |scopes| scopes.all_muted -= 1,
        )
        .0
    }

    /// Notes what is sent during a closure, and which receivers ran, were skipped or failed, in
    /// order. [`Recording`] has the assertions.
    pub fn record<R>(&mut self, scope: impl FnOnce(&mut Self) -> R) -> (R, Recording) {
        let (result, recording) = self.scoped(
            |scopes| scopes.recordings.push(Recording::default()),
            scope,
            |scopes| scopes.recordings.pop(),
        );
        (result, recording.flatten().unwrap_or_default())
    }

    /// Holds effects back during a closure, and lists them instead of running them: those of
    /// transactions that ended inside, and those that still wait for one that goes on. The former
    /// never run.
    ///
    /// ```
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// let (stored, captured) = session.capture(|session| {
    ///     session.transaction(|session| {
    ///         session.on_commit(|_session| println!("never printed"));
    ///         lback::Result::Ok(())
    ///     })
    /// });
    /// assert_eq!(captured.effects.len(), 1);
    /// stored?;
    /// # lback::Result::Ok(())
    /// ```
    pub fn capture<R>(&mut self, scope: impl FnOnce(&mut Self) -> R) -> (R, Captured) {
        self.captured(scope, |_, _| {})
    }

    /// As [`capture`](Self::capture), and runs the effects of transactions that ended inside at
    /// the end of the closure, with all that they queue, each once and listed once.
    pub fn capture_and_run<R>(&mut self, scope: impl FnOnce(&mut Self) -> R) -> (R, Captured) {
        self.captured(scope, |session, captured| {
            session.drain(|effect| {
                let seen = |(sequence, _): &(u64, _)| *sequence == effect.sequence;
                if !captured.iter().any(seen) {
                    captured.push((effect.sequence, pending(effect)));
                }
            });
        })
    }

    /// The capture is in force for `then` too, so that what an effect gives to `on_commit` is held
    /// and listed as what the scope itself gives.
    fn captured<R>(
        &mut self,
        scope: impl FnOnce(&mut Self) -> R,
        then: impl FnOnce(&mut Self, &mut Vec<(u64, PendingEffect)>),
    ) -> (R, Captured) {
        let start = self.ledger.effects.sequence();
        let before = self.ledger.effects.take_ready();
        let mut captured = Vec::new();
        let result = self.finally(
            |session| {
                let work = |session: &mut Self| {
                    let result = scope(session);
                    let waiting = session.ledger.effects.since(start);
                    captured.extend(waiting.map(|effect| (effect.sequence, pending(effect))));
                    then(session, &mut captured);
                    result
                };
                let (enter, leave) = (
                    |scopes: &mut Scopes| scopes.capturing += 1,
                    |scopes: &mut Scopes| scopes.capturing -= 1,
                );
                session.scoped(enter, work, leave).0
            },
            |session| {
                session.ledger.effects.put_back(before);
                session.discard();
            },
        );
        let effects = captured.into_iter().map(|(_, pending)| pending).collect();
        (result, Captured { effects })
    }

    /// Puts something in force for a closure. What `leave` gives is missing if another session stands
    /// in this one's place afterwards.
    fn scoped<R, X>(
        &mut self,
        enter: impl FnOnce(&mut Scopes),
        scope: impl FnOnce(&mut Self) -> R,
        leave: impl FnOnce(&mut Scopes) -> X,
    ) -> (R, Option<X>) {
        enter(self.scopes.get_or_insert_default());
        let mut left = None;
        let result = self.finally(scope, |session| {
            let mut scopes = session.scopes.take().unwrap_or_default();
            left = Some(leave(&mut scopes));
            if !scopes.is_idle() {
                session.scopes = Some(scopes);
            }
        });
        (result, left)
    }

    /// Hears this registry from now on, instead of that of the program.
    pub(crate) fn set_own_registry(&mut self, registry: &'static Registry) {
        self.scopes.get_or_insert_default().own_registry = Some(registry);
    }

    #[inline]
    pub(crate) fn own_registry(&self) -> Option<&'static Registry> {
        self.scopes.as_ref()?.own_registry
    }

    /// Whether any scope is in force: sending then takes the careful path.
    #[inline]
    pub(crate) fn is_scoped(&self) -> bool {
        self.scopes.is_some()
    }

    pub(crate) fn is_recording(&self) -> bool {
        let scopes = self.scopes.as_ref();
        scopes.is_some_and(|scopes| !scopes.recordings.is_empty())
    }

    pub(super) fn is_capturing(&self) -> bool {
        self.scopes
            .as_ref()
            .is_some_and(|scopes| scopes.capturing > 0)
    }

    pub(crate) fn is_muted(&self, receiver: &Registration) -> bool {
        self.scopes.as_ref().is_some_and(|scopes| {
            scopes.all_muted > 0
                || scopes
                    .muted
                    .iter()
                    .any(|key| *key == receiver.signal.key() || *key == receiver.function())
        })
    }

    pub(crate) fn observe(&mut self, event: impl FnOnce() -> Event) {
        if let Some(scopes) = &mut self.scopes {
            if !scopes.recordings.is_empty() {
                let event = event();
                for recording in &mut scopes.recordings {
                    recording.events.push(event.clone());
                }
            }
        }
    }

    pub(super) fn observe_effect(
        &mut self,
        receiver: Option<&'static Registration>,
        failure: Option<&FailureCause>,
    ) {
        if let Some(receiver) = receiver.map(Target) {
            self.observe(|| match failure {
                None => Event::Ran(receiver),
                Some(cause) => Event::Failed(receiver, text_of(cause)),
            });
        }
    }
}

fn pending<C: SessionConnection>(effect: &Effect<Work<C>>) -> PendingEffect {
    PendingEffect {
        receiver: effect.receiver,
        phase: effect.phase,
    }
}

fn is_signal_or_receiver(key: TypeId) -> bool {
    let Ok(Some(registry)) = Registry::known() else {
        return true;
    };
    registry.listings().iter().any(|listing| {
        listing.signal.key() == key
            || listing
                .receivers
                .iter()
                .any(|receiver| receiver.function() == key)
    })
}

#[cfg(test)]
mod tests {
    /// Otherwise every signal would take the careful path from then on.
    #[test]
    #[cfg(feature = "sqlite")]
    fn nothing_is_left_of_a_scope_that_is_over() -> crate::Result<()> {
        let mut session = crate::sqlite::connect(":memory:")?;
        session.mute_all(|session| {
            assert!(session.is_scoped());
            session.capture(|session| session.record(|_| ()));
            assert!(session.is_scoped());
        });
        assert!(!session.is_scoped());
        Ok(())
    }
}
