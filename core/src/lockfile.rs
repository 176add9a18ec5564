//! `backstitch.lock`: the ids and checksums of a folder, in order.
//!
//! It makes two branches that both add a migration conflict in git, and the edit of a shipped
//! migration an error. Reading it from disk is [`dir`](crate::dir)'s work, writing it the caller's.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::checksum::Checksum;
use crate::diagnostic::Diagnostic;
use crate::migration::Migration;
use crate::set::Set;
use crate::source::{Source, Span};

/// The name of the file, in the folder of the migrations.
pub const FILE_NAME: &str = "backstitch.lock";

/// The first line: what the file is.
const HEAD: &str =
    "# The id and checksum of every migration, in order. Written by `backstitch lock`; commit it.";

const CONFLICT: &str = "lock-conflict";
const SYNTAX: &str = "lock-syntax";
const DUPLICATE: &str = "lock-duplicate";
const NOT_LOCKED: &str = "lock-outdated";
const FILE_GONE: &str = "lock-file-gone";
const CHANGED: &str = "lock-checksum";
const ORDER: &str = "lock-order";

/// All codes of this module: what `backstitch lock` puts right.
pub const CODES: [&str; 7] = [
    CONFLICT, SYNTAX, DUPLICATE, NOT_LOCKED, FILE_GONE, CHANGED, ORDER,
];

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// In order.
    pub entries: Vec<Entry>,
    /// The file itself.
    pub source: Source,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id of a migration.
    pub id: String,
    /// Its checksum.
    pub checksum: Checksum,
    /// The whole line.
    pub span: Span,
}

/// Reads the file. Lines that begin with `#` are comments.
pub fn parse(source: &Source) -> (Lock, Vec<Diagnostic>) {
    let mut lock = Lock {
        entries: Vec::new(),
        source: source.clone(),
    };
    if let Some(conflict) = merge_conflict(source) {
        return (lock, vec![conflict]);
    }
    let mut diagnostics = Vec::new();
    let mut first: HashMap<String, usize> = HashMap::new();
    for (line, span) in lines(source.text()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(entry) = entry(line, span) else {
            diagnostics.push(not_an_entry(source, span));
            continue;
        };
        match first.get(&entry.id) {
            Some(first) => diagnostics.push(duplicate(source, &entry, &lock.entries[*first])),
            None => {
                first.insert(entry.id.clone(), lock.entries.len());
                lock.entries.push(entry);
            }
        }
    }
    (lock, diagnostics)
}

/// The text of the file for this set. The same set always gives the same text.
pub fn write(set: &Set) -> String {
    let mut text = format!("{HEAD}\n");
    for migration in &set.migrations {
        writeln!(text, "{}", line(migration)).expect("strings take everything");
    }
    text
}

/// Where the file and the folder disagree.
pub fn compare(lock: &Lock, set: &Set) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let locked: HashMap<&str, &Entry> = lock.entries.iter().map(|one| (&*one.id, one)).collect();
    for migration in &set.migrations {
        match locked.get(&*migration.id) {
            None => diagnostics.push(not_locked(lock, migration)),
            Some(entry) if entry.checksum != migration.checksum => {
                diagnostics.push(changed(lock, entry, migration));
            }
            Some(_) => {}
        }
    }
    let is_new = |one: &&Migration| !locked.contains_key(&*one.id);
    // Of equals the first, so that it is put in last.
    let new = set.migrations.iter().rev().filter(is_new);
    let new: HashMap<Checksum, &Migration> = new.map(|one| (one.checksum, one)).collect();
    let ids: HashSet<&str> = set.migrations.iter().map(|one| &*one.id).collect();
    for entry in lock.entries.iter().filter(|one| !ids.contains(&*one.id)) {
        let renamed = new.get(&entry.checksum).copied();
        diagnostics.push(file_gone(lock, entry, renamed));
    }
    diagnostics.extend(out_of_order(lock, set));
    diagnostics
}

fn line(migration: &Migration) -> String {
    format!("{} {}", migration.id, migration.checksum)
}

/// The trimmed lines and their places.
fn lines(text: &str) -> impl Iterator<Item = (&str, Span)> {
    text.split('\n').map(|line| {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let start = line.as_ptr().addr() - text.as_ptr().addr();
        (line, Span::new(start..start + line.len()))
    })
}

fn entry(line: &str, span: Span) -> Option<Entry> {
    let (id, checksum) = line.split_once([' ', '\t'])?;
    Some(Entry {
        id: id.to_owned(),
        checksum: checksum.trim().parse().ok()?,
        span,
    })
}

fn merge_conflict(source: &Source) -> Option<Diagnostic> {
    let is_marker = |line: &str| {
        ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
            .iter()
            .any(|marker| line.starts_with(marker))
    };
    let (_, span) = lines(source.text()).find(|(line, _)| is_marker(line))?;
    Some(
        Diagnostic::error(CONFLICT, "the lock file holds a merge conflict")
            .at(source, span, "both branches changed the migrations")
            .why("Both branches add a migration, and somebody has to decide which one runs first.")
            .help(
                "If the new migrations of both branches have the same version, or yours must run \
                 last, give yours a higher one by renaming its file. Then run:\nbackstitch lock",
            ),
    )
}

fn not_an_entry(source: &Source, span: Span) -> Diagnostic {
    Diagnostic::error(SYNTAX, "a line of the lock file cannot be read")
        .at(source, span, "not an id and a checksum")
        .why("The file is written by `backstitch lock` and by nobody else.")
        .help("Write the file anew:\nbackstitch lock")
}

fn duplicate(source: &Source, again: &Entry, first: &Entry) -> Diagnostic {
    of(
        &again.id,
        Diagnostic::error(DUPLICATE, format!("`{}` is locked twice", again.id)),
    )
    .at(source, again.span, "again here")
    .at(source, first.span, "first here")
    .why("Only one of the two can hold; this is often left over from a merge.")
    .help("Write the file anew:\nbackstitch lock")
}

fn not_locked(lock: &Lock, migration: &Migration) -> Diagnostic {
    let text = lock.source.text();
    let end = Span::new(text.len()..text.len());
    of(
        &migration.id,
        Diagnostic::error(
            NOT_LOCKED,
            format!("`{}` is not in the lock file", migration.id),
        ),
    )
    .at(&lock.source, end, "the lock file ends here")
    .at(
        migration.source(),
        place_in(migration),
        "this migration is new",
    )
    .why("The lock file is what makes two branches that both add a migration meet in git.")
    .help(format!(
        "Run `backstitch lock`, or add the line:\n{}",
        line(migration)
    ))
}

fn file_gone(lock: &Lock, entry: &Entry, renamed: Option<&Migration>) -> Diagnostic {
    let (label, help) = match renamed {
        Some(new) => (
            format!("`{}` holds the same statements: was it renamed?", new.id),
            format!(
                "If it has never been applied under the old name, lock the new one:\n{}",
                line(new)
            ),
        ),
        None => (
            "there is no file of this id".to_owned(),
            format!(
                "Bring back `{}.sql`; if it has never been applied anywhere, run:\nbackstitch lock",
                entry.id
            ),
        ),
    };
    of(
        &entry.id,
        Diagnostic::error(
            FILE_GONE,
            format!("`{}` is locked and not in the folder", entry.id),
        ),
    )
    .at(&lock.source, entry.span, label)
    .why("Databases that have applied it would know a migration that this build does not.")
    .help(help)
}

fn changed(lock: &Lock, entry: &Entry, migration: &Migration) -> Diagnostic {
    let old = entry.checksum;
    let help = match migration.supersedes == Some(old) {
        true => format!(
            "The header accepts the earlier text already; lock the new one:\n{}",
            line(migration)
        ),
        false => format!(
            "Take the edit back and write a new migration. If it has never been applied anywhere, \
             run `backstitch lock`. If what is applied may stay as it is, run `backstitch lock` \
             and add to the header:\n-- @supersedes: {old}"
        ),
    };
    of(
        &migration.id,
        Diagnostic::error(
            CHANGED,
            format!("`{}` was edited after it was locked", migration.id),
        ),
    )
    .at(
        migration.source(),
        place_in(migration),
        format!("now {}", shorten(migration.checksum)),
    )
    .at(
        &lock.source,
        entry.span,
        format!("locked as {}", shorten(old)),
    )
    .why("A database that has applied the earlier text will never run this one.")
    .help(help)
}

/// The first entry that stands after one that runs later.
fn out_of_order(lock: &Lock, set: &Set) -> Option<Diagnostic> {
    let ids = set.migrations.iter().enumerate().rev();
    // Of equals the first, so that it is put in last.
    let ranks: HashMap<&str, usize> = ids.map(|(rank, one)| (&*one.id, rank)).collect();
    let known: Vec<(usize, &Entry)> = lock
        .entries
        .iter()
        .filter_map(|entry| Some((*ranks.get(&*entry.id)?, entry)))
        .collect();
    let pair = known.windows(2).find(|pair| pair[0].0 > pair[1].0)?;
    let (later, earlier) = (pair[0].1, pair[1].1);
    Some(
        of(
            &earlier.id,
            Diagnostic::error(
                ORDER,
                format!("`{}` is locked in the wrong place", earlier.id),
            ),
        )
        .at(&lock.source, earlier.span, "runs earlier")
        .at(&lock.source, later.span, "than this one")
        .why("The lock file lists the migrations in the order in which they run.")
        .help("Write the file anew:\nbackstitch lock"),
    )
}

fn of(id: &str, mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.migration = Some(id.to_owned());
    diagnostic
}

/// Where to look in a migration's file: the first statement of its UP.
fn place_in(migration: &Migration) -> Span {
    let first = migration.up.statements.first();
    let span = first.map_or(migration.up.span, |statement| statement.span);
    migration.source().first_line(span)
}

/// Enough of a checksum to tell two apart.
fn shorten(checksum: Checksum) -> String {
    let text = checksum.to_string();
    format!("{}…", &text[.."v1:".len() + 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::migration;

    fn set() -> Set {
        let migrations = ["0001_a", "0002_b"].map(|id| {
            let text = format!("-- UP MIGRATION\nCREATE TABLE t{id} (x int);\n");
            let source = Source::new(format!("{id}.sql"), text);
            migration::parse(id, &source, Dialect::Postgres)
                .0
                .expect("a migration")
        });
        Set::new(Dialect::Postgres, migrations.to_vec()).0
    }

    #[test]
    fn what_is_written_is_read_and_agrees() {
        let set = set();
        let text = write(&set);
        assert!(text.starts_with("# "));
        assert_eq!(text.lines().count(), 3);
        for text in [
            text.clone(),
            text.replace('\n', "\r\n"),
            format!("\u{feff}{}", text.trim()),
        ] {
            let (lock, diagnostics) = parse(&Source::new(FILE_NAME, text));
            assert_eq!(diagnostics, []);
            assert_eq!(lock.entries.len(), 2);
            assert_eq!(compare(&lock, &set), []);
        }
    }

    #[test]
    fn a_renamed_migration_is_recognised() {
        let set = set();
        let text = write(&set).replace("0002_b", "0002_old");
        let (lock, _) = parse(&Source::new(FILE_NAME, text));
        let found = compare(&lock, &set);
        let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [NOT_LOCKED, FILE_GONE]);
        assert!(found[1].labels[0].text.contains("`0002_b`"));
    }
}
