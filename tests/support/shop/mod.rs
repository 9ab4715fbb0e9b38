//! The shop of `lback-tests-shop`, in a fresh database, and receivers of its signals in a crate
//! that neither declares nor sends them.

macro_rules! shop_on {
    ($name:ident, $database:path) => {
        /// The shop on this database.
        pub mod $name {
            pub use lback_tests_shop::$name::*;

            use $database as Database;

            include!("desk.rs");
        }
    };
}

#[cfg(any(feature = "postgres", feature = "diesel-async"))]
macro_rules! whole_on {
    ($name:ident, $driver:ident, $native:path) => {
        mod $name {
            mod driver {
                pub(super) use lback::$driver::{Session, connect};
                pub(super) use $native as Native;
            }

            mod whole {
                include!("whole.rs");
            }

            pub(super) use whole::Database;
        }
    };
}

#[cfg(feature = "postgres")]
whole_on!(over_libpq, postgres, diesel::PgConnection);
#[cfg(feature = "diesel-async")]
whole_on!(
    over_diesel_async,
    diesel_async,
    lback::diesel_async::BlockingPgConnection
);

shop_on!(sqlite, crate::sqlite::Database);
#[cfg(feature = "postgres")]
shop_on!(postgres, super::over_libpq::Database);
#[cfg(feature = "diesel-async")]
shop_on!(diesel_async, super::over_diesel_async::Database);
#[cfg(feature = "mysql")]
shop_on!(mysql, crate::mysql::Database);
