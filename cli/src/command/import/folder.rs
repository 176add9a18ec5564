//! Whether a folder is that of the tool, and all of it can be read. A file that is left out would
//! be a hole in the history: nothing is written then.

use std::path::Path;

use backstitch_core::dir::{Layout, Loaded};
use backstitch_core::source::{Source, Span};
use backstitch_core::{Diagnostic, Severity};

/// The lines by which files of these tools, and ours, are known.
const MARKERS: [(Layout, &str); 3] = [
    (Layout::Annotated, "-- @rollbacksafe:"),
    (Layout::Dbmate, "-- migrate:up"),
    (Layout::Goose, "-- +goose up"),
];

/// Why nothing can be taken over from there. `None`: it can.
pub(super) fn refusals(
    dir: &Path,
    shown: &str,
    loaded: &Loaded,
    from: Layout,
) -> Option<Vec<Diagnostic>> {
    if !dir.is_dir() {
        return Some(vec![no_folder(shown, from)]);
    }
    if let Some(of) = marked(loaded, from) {
        return Some(vec![of_another(shown, from, of)]);
    }
    let programs = |id: &str| {
        let mut found = loaded.diagnostics.iter();
        found.any(|one| one.code == "not-sql" && one.migration.as_deref() == Some(id))
    };
    let is_unread = loaded.unread.iter().any(|unread| !programs(&unread.id));
    if !is_unread && !loaded.set.migrations.is_empty() {
        return None;
    }
    let evident = Layout::evident(dir).filter(|evident| !are_alike(*evident, from));
    let found = loaded.diagnostics.iter();
    let errors = found.filter(|one| one.severity == Severity::Error || !is_unread);
    let all: Vec<Diagnostic> = match evident {
        Some(of) => vec![of_another(shown, from, of)],
        None => errors.cloned().collect(),
    };
    Some(all)
}

/// sqlx and golang-migrate name their files alike.
fn are_alike(one: Layout, other: Layout) -> bool {
    let is_pair = |layout| [Layout::Sqlx, Layout::GolangMigrate, Layout::UpDown].contains(&layout);
    one == other || is_pair(one) && is_pair(other)
}

/// Whose markers stand in the files of a tool that has none: it would run their DOWN with the UP.
fn marked(loaded: &Loaded, from: Layout) -> Option<Layout> {
    let texts = || {
        let migrations = loaded.set.migrations.iter();
        migrations.map(|migration| migration.up.source.text())
    };
    let is_marked = |marker: &str| {
        texts().any(|text| {
            let mut lines = text.lines();
            lines.any(|line| line.to_ascii_lowercase().starts_with(marker))
        })
    };
    let foreign = MARKERS.iter().filter(|(layout, _)| *layout != from);
    foreign
        .filter(|(_, marker)| is_marked(marker))
        .map(|(layout, _)| *layout)
        .next()
}

fn of_another(shown: &str, from: Layout, of: Layout) -> Diagnostic {
    let (from, of) = (from.name(), of.name());
    if of == Layout::Annotated.name() {
        return Diagnostic::error(
            "import-of-another",
            format!("`{shown}` is annotated already"),
        )
        .why("There is nothing to take over: these files are for backstitch.");
    }
    let message = format!("`{shown}` is a folder of {of}, not of {from}");
    at(Diagnostic::error("import-of-another", message), shown)
        .why("The tools read their files in different ways, so nothing was written.")
        .help(format!(
            "Name the tool:\nbackstitch import --from {of} {shown}"
        ))
}

fn no_folder(shown: &str, from: Layout) -> Diagnostic {
    let from = from.name();
    let missing = Diagnostic::error("folder-missing", format!("there is no folder `{shown}`"));
    at(missing, shown)
        .why(format!("The migrations of {from} are read from there."))
        .help(format!(
            "Name the folder that {from} reads:\nbackstitch import --from {from} path/to/migrations"
        ))
}

fn at(diagnostic: Diagnostic, folder: &str) -> Diagnostic {
    diagnostic.at(&Source::new(folder, ""), Span::default(), "")
}
