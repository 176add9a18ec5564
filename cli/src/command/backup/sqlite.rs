//! SQLite: by its backup interface, page by page, while others work.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::backup::Backup as Copying;
use rusqlite::{Connection, OpenFlags};
use sqlx::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;

use super::archive::{Archive, Trouble};
use super::dump::{decompressed, failed};
use super::store::only_for_us;

/// So many pages at a time, and a pause for those who wait to write.
const PAGES: i32 = 1_000;
const PAUSE: Duration = Duration::from_millis(2);
/// So long the database may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

impl Archive for Sqlite {
    const DRIVER: &'static str = "sqlite";
    const SUFFIX: &'static str = ".sqlite.gz";

    fn ready_to_dump() -> Result<(), Trouble> {
        Ok(())
    }

    fn dump(url: &str, to: &Path) -> Result<(), Trouble> {
        let doing = "the copy failed";
        let plain = beside(to)?;
        let copied = copy(
            &file_of(url)?,
            &plain.0,
            OpenFlags::SQLITE_OPEN_READ_ONLY,
            doing,
        );
        copied?;
        let compressed = File::open(&plain.0).and_then(|plain| {
            let mut encoder = GzEncoder::new(File::create(to)?, Compression::default());
            io::copy(&mut BufReader::new(plain), &mut encoder)?;
            encoder.finish()
        });
        compressed.map(drop).map_err(|error| failed(doing, &error))
    }

    fn inspect(file: &Path) -> Result<(), Trouble> {
        let plain = beside(file)?;
        expand(file, &plain.0)?;
        let doing = "the copy is not whole";
        let whole = Connection::open(&plain.0)
            .and_then(|copy| {
                copy.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
            })
            .map_err(|error| failed(doing, &error))?;
        match whole == "ok" {
            true => Ok(()),
            false => Err(failed(doing, &whole)),
        }
    }

    fn ready_to_restore() -> Result<(), Trouble> {
        Ok(())
    }

    fn restore(url: &str, from: &Path) -> Result<(), Trouble> {
        let plain = beside(from)?;
        expand(from, &plain.0)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        copy(
            &plain.0,
            &file_of(url)?,
            flags,
            "the backup cannot be restored",
        )
    }
}

/// A file that goes away with this value.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // Where it cannot be deleted it is of no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn beside(file: &Path) -> Result<Passing, Trouble> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".plain-{}", std::process::id()));
    let plain = Passing(PathBuf::from(name));
    let made = File::create(&plain.0).and_then(|file| only_for_us(&file));
    made.map_err(|error| failed("the backup cannot be written", &error))?;
    Ok(plain)
}

fn copy(from: &Path, to: &Path, flags: OpenFlags, doing: &str) -> Result<(), Trouble> {
    let copied = Connection::open_with_flags(from, flags).and_then(|source| {
        source.busy_timeout(PATIENCE)?;
        let mut target = Connection::open(to)?;
        target.busy_timeout(PATIENCE)?;
        Copying::new(&source, &mut target)?.run_to_completion(PAGES, PAUSE, None)
    });
    copied.map_err(|error| failed(doing, &error))
}

fn expand(from: &Path, to: &Path) -> Result<(), Trouble> {
    let mut text = decompressed(from)?;
    let written = File::create(to).and_then(|mut to| io::copy(&mut text, &mut to));
    written
        .map(drop)
        .map_err(|error| failed("the backup cannot be read", &error))
}

fn file_of(url: &str) -> Result<PathBuf, Trouble> {
    let options = SqliteConnectOptions::from_str(url);
    let options = options.map_err(|_| failed("the database cannot be named", &"bad URL"))?;
    Ok(options.get_filename().to_owned())
}
