use super::print::Times;
use super::{is, must_be_receiver, name_of};
use crate::session::{Captured, Failures};

/// Assertions on the effects that wait.
impl Captured {
    /// How many effects wait.
    pub fn len(&self) -> usize {
        self.effects.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// How many times a receiver waits.
    ///
    /// # Panics
    ///
    /// If `receiver` is not one. So does every assertion about a receiver.
    #[track_caller]
    pub fn times_pending<R: 'static>(&self, receiver: R) -> usize {
        must_be_receiver(&receiver);
        let receivers = self.effects.iter().filter_map(|effect| effect.receiver);
        receivers.filter(|it| is(it, &receiver)).count()
    }

    /// # Panics
    ///
    /// If the receiver does not wait.
    #[track_caller]
    pub fn assert_pending<R: 'static>(&self, receiver: R) {
        let name = name_of(&receiver);
        let times = self.times_pending(receiver);
        assert!(times > 0, "`{name}` does not wait. What waits:\n{self}");
    }

    /// # Panics
    ///
    /// If the receiver waits more or fewer times.
    #[track_caller]
    pub fn assert_pending_times<R: 'static>(&self, receiver: R, expected: usize) {
        let name = name_of(&receiver);
        let times = self.times_pending(receiver);
        assert!(
            times == expected,
            "`{name}` waits {} and not {}. What waits:\n{self}",
            Times(times),
            Times(expected)
        );
    }

    /// # Panics
    ///
    /// If the receiver waits.
    #[track_caller]
    pub fn assert_not_pending<R: 'static>(&self, receiver: R) {
        self.assert_pending_times(receiver, 0);
    }

    /// # Panics
    ///
    /// If anything waits.
    #[track_caller]
    pub fn assert_nothing_pending(&self) {
        assert!(self.is_empty(), "effects wait:\n{self}");
    }
}

/// Assertions on the failures that no caller saw.
impl Failures {
    /// # Panics
    ///
    /// If there was any.
    ///
    /// ```
    /// # let mut session = lback::sqlite::connect(":memory:")?;
    /// session.take_failures().assert_none();
    /// # lback::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn assert_none(&self) {
        assert!(self.count == 0, "there were failures:\n{self}");
    }
}
