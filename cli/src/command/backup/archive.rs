//! What the engines do differently about backups. Everything here waits; nothing is asynchronous.

use std::path::Path;
use std::time::Duration;

use backstitch_core::Diagnostic;

/// Why it does not work.
pub type Trouble = Box<Diagnostic>;

/// An engine whose databases can be copied as a whole.
pub trait Archive {
    /// The name of the engine in the line about a backup.
    const DRIVER: &'static str;
    /// The end of the file's name.
    const SUFFIX: &'static str;

    /// Whether everything is there that [`dump`](Archive::dump) needs.
    ///
    /// # Errors
    /// Which tool is missing.
    fn ready_to_dump() -> Result<(), Trouble>;

    /// Copies the database into this file, compressed.
    ///
    /// # Errors
    /// When the copy is not whole.
    fn dump(url: &str, to: &Path) -> Result<(), Trouble>;

    /// Reads the file once more, and looks whether it is a whole copy.
    ///
    /// # Errors
    /// When it is not.
    fn inspect(file: &Path) -> Result<(), Trouble>;

    /// Whether everything is there that [`restore`](Archive::restore) needs.
    ///
    /// # Errors
    /// Which tool is missing.
    fn ready_to_restore() -> Result<(), Trouble>;

    /// Puts the copy in the place of what the database holds. So long it waits for others who write,
    /// where the migration lock does not keep them away.
    ///
    /// # Errors
    /// When that fails; what the database holds then depends on the engine.
    fn restore(url: &str, from: &Path, patience: Duration) -> Result<(), Trouble>;
}
