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

#[cfg(feature = "postgres")]
mod whole;

shop_on!(sqlite, crate::sqlite::Database);
#[cfg(feature = "postgres")]
shop_on!(postgres, super::whole::Database);
#[cfg(feature = "mysql")]
shop_on!(mysql, crate::mysql::Database);
