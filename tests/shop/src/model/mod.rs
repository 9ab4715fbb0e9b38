//! Rows, repositories, signals and receivers.

mod customer;
mod order;
mod product;
mod shipping;
mod ticket;

pub use self::customer::*;
pub use self::order::*;
pub use self::product::*;
pub use self::shipping::*;
pub use self::ticket::*;
