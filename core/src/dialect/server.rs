//! Which server is taken for granted where the options name none.

use super::Dialect;
use crate::options::Version;

impl Dialect {
    /// The oldest server that must work where the options do not say.
    pub(crate) fn assumed_server(self) -> Version {
        let (major, minor, patch) = match self {
            Dialect::Postgres => (13, 0, 0),
            Dialect::Sqlite => (3, 35, 0),
            Dialect::MySql => (8, 0, 29),
            Dialect::MariaDb => (10, 6, 0),
        };
        Version {
            major,
            minor,
            patch,
        }
    }

    /// Whether parts of a table may be dropped and added `IF [NOT] EXISTS`, and a table replaced.
    pub(crate) fn guards_parts_of_tables(self) -> bool {
        match self {
            Dialect::Postgres | Dialect::MariaDb => true,
            Dialect::Sqlite | Dialect::MySql => false,
        }
    }

    /// Whether a column that forbids NULL and has no default gets a value of the engine's choice.
    pub(crate) fn fills_missing_values(self) -> bool {
        match self {
            Dialect::Postgres | Dialect::Sqlite => false,
            Dialect::MySql | Dialect::MariaDb => true,
        }
    }
}
