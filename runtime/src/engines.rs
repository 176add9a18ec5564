//! The engines by the names that `migrations!` knows them by.
//!
//! An engine whose feature is off is a stand-in here, so that using it is an error that names the
//! feature.

#[cfg(feature = "mysql")]
pub use sqlx::MySql;
#[cfg(feature = "postgres")]
pub use sqlx::Postgres;
#[cfg(feature = "sqlite")]
pub use sqlx::Sqlite;

macro_rules! stand_in {
    ($feature:literal, $engine:ident) => {
        /// Not there: `backstitch` is built without the feature of this engine.
        #[cfg(not(feature = $feature))]
        #[derive(Clone, Copy, Debug)]
        pub enum $engine {}
    };
}

stand_in!("mysql", MySql);
stand_in!("postgres", Postgres);
stand_in!("sqlite", Sqlite);
