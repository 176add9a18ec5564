//! SQLite: by its backup interface, page by page, while others work.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::backup::{Backup as Copying, StepResult};
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
        copy(&file_of(url)?, &plain.0, PATIENCE, doing)?;
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

    fn restore(url: &str, from: &Path, patience: Duration) -> Result<(), Trouble> {
        let plain = beside(from)?;
        expand(from, &plain.0)?;
        let doing = "the backup cannot be restored";
        copy(&plain.0, &file_of(url)?, patience, doing)
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

/// Copies page by page. From the first page on nobody else writes to the target, and a copy that is
/// broken off changes nothing.
fn copy(from: &Path, to: &Path, patience: Duration, doing: &str) -> Result<(), Trouble> {
    let io = |error: rusqlite::Error| failed(doing, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let source = Connection::open_with_flags(from, flags).map_err(io)?;
    let mut target = Connection::open(to).map_err(io)?;
    let copying = Copying::new(&source, &mut target).map_err(io)?;
    let mut moved = Instant::now();
    loop {
        match copying.step(PAGES).map_err(io)? {
            StepResult::Done => return Ok(()),
            StepResult::More => moved = Instant::now(),
            _ if moved.elapsed() < patience => {}
            _ => return Err(busy(doing, patience)),
        }
        std::thread::sleep(PAUSE);
    }
}

fn busy(doing: &str, patience: Duration) -> Trouble {
    let waited = crate::when::lasted(patience);
    let message = format!("{doing}: somebody else has been at work on the database for {waited}");
    Box::new(
        Diagnostic::error("backup-failed", message)
            .why("SQLite lets one write at a time, and does not tell who that is.")
            .help("Wait for the other program to finish, or end it."),
    )
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
