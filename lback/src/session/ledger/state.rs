//! Values that the application puts into a session, found by their type.

use std::any::{Any, TypeId};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// An `Arc` of what is found by the key, whatever its size: `dyn Trait` has a key, too.
type Value = Arc<dyn Any + Send + Sync>;

/// The value in force of each type. A snapshot for an effect is one reference count, and whoever
/// adds a value while a snapshot is held gets a list of their own: there are as many entries as
/// there are types.
#[derive(Clone, Default)]
pub(in crate::session) struct States {
    values: Arc<Values>,
}

#[derive(Clone, Default)]
struct Values(Vec<(TypeId, Value)>);

impl States {
    /// The same, with `value` in the place of one of its type: for a scope, after which the outer
    /// list is in force again.
    pub(in crate::session) fn with<T: ?Sized + Send + Sync + 'static>(
        &self,
        value: Arc<T>,
    ) -> Self {
        let mut inner = self.clone();
        inner.put(value);
        inner
    }

    /// Puts `value` in the place of one of its type for good. That one is dropped at once, unless
    /// somebody else holds it.
    pub(in crate::session) fn put<T: ?Sized + Send + Sync + 'static>(&mut self, value: Arc<T>) {
        let key = TypeId::of::<T>();
        let value: Value = Arc::new(value);
        let values = &mut Arc::make_mut(&mut self.values).0;
        let Some((_, place)) = values.iter_mut().find(|(of, _)| *of == key) else {
            return values.push((key, value));
        };
        let hidden = std::mem::replace(place, value);
        // It is user code, and may panic: everything is in order by now.
        drop(hidden);
    }

    /// The value of this type, or what is in an `Arc` that was put in as a value.
    pub(in crate::session) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        let kept = self.find(TypeId::of::<T>());
        kept.and_then(|value| value.downcast_ref::<Arc<T>>())
            .or_else(|| {
                let kept = self.find(TypeId::of::<Arc<T>>())?;
                kept.downcast_ref::<Arc<Arc<T>>>().map(|value| &**value)
            })
    }

    /// Whether there is one by one of these keys.
    pub(in crate::session) fn has(&self, keys: &[TypeId]) -> bool {
        keys.iter().any(|key| self.find(*key).is_some())
    }

    fn find(&self, key: TypeId) -> Option<&Value> {
        let mut values = self.values.0.iter();
        values.find(|(of, _)| *of == key).map(|(_, value)| value)
    }
}

impl Drop for Values {
    /// The latest first, each by itself: a second one that panics would abort the process.
    fn drop(&mut self) {
        let mut panicked = None;
        while let Some((_, value)) = self.0.pop() {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                if panicked.is_some() {
                    // What a panic carries may panic when dropped, too.
                    std::mem::forget(panic);
                } else {
                    panicked = Some(panic);
                }
            }
        }
        match panicked {
            Some(panic) if std::thread::panicking() => std::mem::forget(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }
}
