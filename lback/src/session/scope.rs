//! Scopes: mute, record, capture. Each is a closure on one session, so two tests in parallel never
//! meet, and each is over after a panic too.

use std::any::TypeId;

use super::{FailureCause, Session, SessionConnection};
use crate::receiver::{Phase, Registration, SignalInfo};
use crate::registry::Registry;

/// What is in force. Absent in a session that never had a scope, or whose last one is over.
#[derive(Default)]
pub(super) struct Scopes {
    muted: Vec<TypeId>,
    all_muted: u32,
    recordings: Vec<Recording>,
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

/// What was sent through a session while it was recorded, and what became of it: see
/// [`Session::record`].
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub(crate) events: Vec<Event>,
}

/// One entry of a [`Recording`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signal was sent.
    Sent(&'static SignalInfo),
    /// An effect was queued.
    Queued(Target),
    /// A receiver ran.
    Ran(Target),
    /// A receiver did not run.
    Skipped(Target, SkipReason),
    /// A receiver failed, with this message.
    Failed(Target, String),
}

/// The receiver of an [`Event`].
#[derive(Clone, Copy, Debug)]
pub struct Target(pub &'static Registration);

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id && self.0.signal == other.0.signal
    }
}

impl Eq for Target {}

/// Why a receiver did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It, or its signal, is muted.
    Muted,
    /// Its `when` said no.
    When,
}

/// The effects of a [`Session::capture`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Captured {
    /// In the order queued.
    pub effects: Vec<PendingEffect>,
}

/// An effect that waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PendingEffect {
    /// The receiver, or `None` for a closure given to `on_commit` or `on_rollback`.
    pub receiver: Option<&'static Registration>,
    /// When it would run.
    pub phase: Phase,
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
        (result, recording.unwrap_or_default())
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
                    captured.push((effect.sequence, effect.pending()));
                }
            });
        })
    }

    fn captured<R>(
        &mut self,
        scope: impl FnOnce(&mut Self) -> R,
        then: impl FnOnce(&mut Self, &mut Vec<(u64, PendingEffect)>),
    ) -> (R, Captured) {
        let start = self.effects.sequence();
        let before = self.effects.take_ready();
        let mut captured = Vec::new();
        let result = self.finally(
            |session| {
                let (result, ()) = session.scoped(
                    |scopes| scopes.capturing += 1,
                    scope,
                    |scopes| scopes.capturing -= 1,
                );
                captured = session.effects.since(start);
                then(session, &mut captured);
                result
            },
            |session| session.effects.put_back(before),
        );
        let effects = captured.into_iter().map(|(_, pending)| pending).collect();
        (result, Captured { effects })
    }

    fn scoped<R, X>(
        &mut self,
        enter: impl FnOnce(&mut Scopes),
        scope: impl FnOnce(&mut Self) -> R,
        leave: impl FnOnce(&mut Scopes) -> X,
    ) -> (R, X) {
        enter(self.scopes.get_or_insert_default());
        let mut left = None;
        let result = self.finally(scope, |session| {
            let mut scopes = session.scopes.take().unwrap_or_default();
            left = Some(leave(&mut scopes));
            if !scopes.is_idle() {
                session.scopes = Some(scopes);
            }
        });
        (result, left.expect("`finally` ran it"))
    }

    /// Hears this registry from now on, instead of that of the program.
    pub(crate) fn set_own_registry(&mut self, registry: &'static Registry) {
        self.scopes.get_or_insert_default().own_registry = Some(registry);
    }

    #[inline]
    pub(crate) fn own_registry(&self) -> Option<&'static Registry> {
        self.scopes.as_ref()?.own_registry
    }

    /// Whether any scope is in force: sending then takes the thorough path.
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
                    .any(|key| *key == receiver.signal.key() || *key == (receiver.function)())
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
                Some(cause) => Event::Failed(receiver, cause.to_string()),
            });
        }
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
                .any(|receiver| (receiver.function)() == key)
    })
}
