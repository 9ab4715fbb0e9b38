//! Values that serve any model: what must not be printed, instants, and tokens.

mod instant;
mod secret;
mod timestamp;
mod token;
mod uuid;
mod without_value;

pub use self::instant::Instant;
pub use self::secret::Secret;
pub(crate) use self::secret::{MASK, equal};
pub use self::timestamp::Timestamp;
pub(crate) use self::uuid::uuid_v7;
pub(crate) use self::without_value::WithoutValue;
