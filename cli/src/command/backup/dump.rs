//! Making a backup and taking it back, the same for all engines: under another name first, looked at
//! once more, then renamed.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use backstitch_core::Diagnostic;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::archive::Trouble;
use super::store::{self, Backup, Store};
use crate::product::Product;

/// What the database is called in the names of its backups.
pub(super) fn database<DB: Product>(url: &str) -> String {
    let place = DB::place(url)
        .map(|place| place.database)
        .unwrap_or_default();
    let last = Path::new(&place)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let plain = last.chars().map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => sign,
        _ => '_',
    });
    plain.collect()
}

/// Copies the database.
///
/// # Errors
/// When a tool is missing, the copy fails, or what was written is not good. Nothing stays then.
pub(super) fn create<DB: Product>(
    store: &Store,
    url: &str,
    reason: Option<String>,
) -> Result<Backup, Trouble> {
    DB::ready_to_dump()?;
    let database = database::<DB>(url);
    let (name, partial) = store.reserve(&database)?;
    let made = DB::dump(url, &partial)
        .and_then(|()| sync(&partial))
        .and_then(|()| DB::inspect(&partial))
        .and_then(|()| {
            let (bytes, sha256) = store::sum(&partial)?;
            Ok(Backup {
                file: format!("{name}{}", DB::SUFFIX),
                name,
                engine: DB::DRIVER.to_owned(),
                database,
                created_at: jiff::Timestamp::now().to_string(),
                bytes,
                sha256,
                reason,
            })
        })
        .and_then(|backup| store.keep(&partial, &backup).map(|()| backup));
    if made.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_file(&partial);
    }
    made
}

/// Puts the copy in the place of what the database holds.
///
/// # Errors
/// When the file is damaged, or the engine refuses it.
pub(super) fn restore<DB: Product>(
    store: &Store,
    url: &str,
    backup: &Backup,
    patience: Duration,
) -> Result<(), Trouble> {
    DB::restore(url, &store.path(backup), patience)
}

fn sync(file: &Path) -> Result<(), Trouble> {
    let synced = File::open(file).and_then(|file| file.sync_all());
    synced.map_err(|error| failed("the backup cannot be written", &error))
}

/// Whether the program is there.
///
/// # Errors
/// When none of these is.
pub(super) fn find_tool<'t>(names: &[&'t str], package: &str) -> Result<&'t str, Trouble> {
    let is_there = |name: &&&str| {
        let tried = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok()
    };
    names.iter().find(is_there).copied().ok_or_else(|| {
        let names = names.join("` or `");
        let message = format!("`{names}` is not there");
        Box::new(
            Diagnostic::error("tool-missing", message)
                .why("This engine is copied by its own tools. Nothing was done.")
                .help(format!(
                    "Install it; on Debian and Ubuntu:\napt install {package}"
                )),
        )
    })
}

/// Waits for a program that writes, and compresses what it writes into the file.
pub(super) fn compress(mut command: Command, to: &Path) -> Result<(), Trouble> {
    let doing = "the copy failed";
    let io = |error: io::Error| failed(doing, &error);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io)?;
    let errors = drain(child.stderr.take());
    let mut output = child.stdout.take().expect("it was asked for");
    let mut encoder = GzEncoder::new(File::create(to).map_err(io)?, Compression::default());
    let copied = io::copy(&mut output, &mut encoder).and_then(|_| encoder.finish());
    let status = child.wait().map_err(io)?;
    let errors = errors.join().unwrap_or_default();
    copied.map_err(io)?;
    match status.success() {
        true => Ok(()),
        false => Err(refused(doing, &errors)),
    }
}

/// Feeds these texts and then the file to a program, and waits for it.
pub(super) fn feed(mut command: Command, head: &str, from: impl Read) -> Result<(), Trouble> {
    let doing = "the backup cannot be restored";
    let io = |error: io::Error| failed(doing, &error);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io)?;
    let errors = drain(child.stderr.take());
    let mut input = child.stdin.take().expect("it was asked for");
    let fed = input
        .write_all(head.as_bytes())
        .and_then(|()| io::copy(&mut BufReader::new(from), &mut input));
    drop(input);
    let status = child.wait().map_err(io)?;
    let errors = errors.join().unwrap_or_default();
    match (status.success(), fed) {
        (true, Ok(_)) => Ok(()),
        (true, Err(error)) => Err(io(error)),
        // A program that ends early breaks the pipe; what it says is the better answer.
        (false, _) => Err(refused(doing, &errors)),
    }
}

/// Waits for a program whose output nobody needs.
pub(super) fn finish(command: &mut Command, doing: &str) -> Result<Vec<u8>, Trouble> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(doing, &error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(refused(doing, &String::from_utf8_lossy(&output.stderr))),
    }
}

/// The text of a compressed file.
pub(super) fn decompressed(file: &Path) -> Result<GzDecoder<BufReader<File>>, Trouble> {
    let file = File::open(file).map_err(|error| failed("the backup cannot be read", &error))?;
    Ok(GzDecoder::new(BufReader::new(file)))
}

fn drain(stderr: Option<std::process::ChildStderr>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            // What is no text is none of its messages.
            let _ = stderr.read_to_string(&mut text);
        }
        text
    })
}

fn refused(doing: &str, errors: &str) -> Trouble {
    let mut lines = errors.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or("the tool says nothing");
    let rest: Vec<&str> = lines.take(5).collect();
    let diagnostic = Diagnostic::error("backup-failed", format!("{doing}: {first}"));
    Box::new(diagnostic.why(rest.join("\n")))
}

pub(super) fn failed(doing: &str, error: &dyn std::fmt::Display) -> Trouble {
    Box::new(Diagnostic::error(
        "backup-failed",
        format!("{doing}: {error}"),
    ))
}

/// What the URL says behind its `?`, by the first of these names that it has.
pub(super) fn parameter(url: &str, names: &[&str]) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let found = url.query_pairs().find(|(name, _)| names.contains(&&**name));
    found.map(|(_, value)| value.into_owned())
}

/// The password of a URL in plain text, where it has one.
pub(super) fn password(url: &url::Url) -> Option<String> {
    let encoded = url.password()?;
    Some(
        percent_encoding::percent_decode_str(encoded)
            .decode_utf8_lossy()
            .into_owned(),
    )
}
