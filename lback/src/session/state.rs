//! Values that the application puts into a session, found by their type.

use std::any::{Any, TypeId};
use std::sync::Arc;

type Value = Arc<dyn Any + Send + Sync>;

/// A persistent list: a snapshot for an effect is one reference count, whatever is in it.
#[derive(Clone, Default)]
pub(super) struct States {
    top: Option<Arc<Node>>,
}

struct Node {
    key: TypeId,
    value: Value,
    below: Option<Arc<Node>>,
}

impl States {
    /// The list with `value` on top, which hides one of the same type further down.
    pub(super) fn with<T: Send + Sync + 'static>(&self, value: Arc<T>) -> Self {
        let node = Node {
            key: TypeId::of::<T>(),
            value,
            below: self.top.clone(),
        };
        Self {
            top: Some(Arc::new(node)),
        }
    }

    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.find::<T>()?.downcast_ref()
    }

    pub(super) fn get_arc<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.find::<T>().cloned()?.downcast().ok()
    }

    fn find<T: 'static>(&self) -> Option<&Value> {
        let key = TypeId::of::<T>();
        std::iter::successors(self.top.as_deref(), |node| node.below.as_deref())
            .find(|node| node.key == key)
            .map(|node| &node.value)
    }
}
