//! `backstitch import`: annotated files of what another tool has.
//!
//! The SQL stays as it is, byte for byte; the header is filled in as far as it can be known, and a
//! way back that nobody has written is suggested where the proof knows one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_core::dir::{self, Layout, Loaded};
use backstitch_core::migration::{Migration, Script, Transaction};
use backstitch_core::options::FILE_NAME;
use backstitch_core::{Diagnostic, Dialect, Severity};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;

use crate::command::check;
use crate::command::new::{slug, unwritable};
use crate::draft::{self, Down, Draft, Judged};
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::paint::{Cell, Dress, Table, counted};
use crate::project::{self, Place, Project};
use crate::screen::Screen;
use crate::target::engine;

mod folder;
mod wrapping;

/// The tools whose folders can be taken over.
const TOOLS: [Layout; 6] = [
    Layout::Sqlx,
    Layout::Refinery,
    Layout::Diesel,
    Layout::Dbmate,
    Layout::Goose,
    Layout::GolangMigrate,
];

/// The arguments of `import`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// The tool
    #[arg(long, value_parser = tool())]
    from: Layout,
    /// Its folder
    #[arg(value_name = "DIR", default_value = "migrations")]
    source: PathBuf,
    /// Where the annotated files go
    #[arg(long, value_name = "DIR", default_value = "db/migrations")]
    to: PathBuf,
    /// The engine that the migrations are for, in place of what backstitch.toml or DATABASE_URL says
    #[arg(long, value_parser = engine())]
    engine: Option<Dialect>,
    /// Leave out BEGIN and COMMIT where they stand around all of a file: each migration is a
    /// transaction by itself
    #[arg(long)]
    unwrap: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch import --from sqlx                            migrations -> db/migrations
  backstitch import --from diesel --engine postgres        with the engine
  backstitch import --from goose db/goose --to migrations  other folders
  backstitch import --from refinery --dry-run              what would be written

The move of a project with data is three commands; nothing is run again:
  backstitch import --from sqlx
  backstitch adopt --from sqlx
  backstitch status

The files of the tool stay as they are. `since` is set in backstitch.toml, so that what has shipped
does not stop a build. Exit codes:
  0 written   1 not written   2 wrong call";

impl Import {
    /// Writes the files.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let outcome = self.write(screen);
        settle(outcome, screen)
    }

    fn write(&self, screen: &mut Screen) -> Result<Exit, Failure> {
        let here = project::here()?;
        let shown = project::shown(&here.join(&self.source), &here);
        let to = project::shown(&here.join(&self.to), &here);
        if shown == to {
            return Err(Failure::usage(same_folder(&shown, self.from)));
        }
        // The options of the project are wanted, whatever folder they name.
        let project = Project::find(
            &here,
            Place {
                dir: Some(&here),
                options: None,
            },
        );
        let project = project.map_err(|unclear| Failure::usage(*unclear))?;
        let dialect = self.dialect(&project)?;
        let source = here.join(&self.source);
        let loaded = dir::load(&source, &shown, dialect, self.from);
        if let Some(refusals) = folder::refusals(&source, &shown, &loaded, self.from) {
            return Err(Failure {
                diagnostics: refusals,
                exit: Exit::Failed,
            });
        }
        let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
        let unread = loaded.diagnostics.iter().filter(is_error).cloned();
        let mut left: Vec<Diagnostic> = unread.collect();
        left.extend(
            loaded
                .diagnostics
                .iter()
                .filter(|one| one.code == "not-sql")
                .cloned(),
        );
        let mut drafts = self.drafts(&loaded);
        let programs = self.programs(&loaded);
        let last = drafts.last().map(|draft| draft.id.clone());
        let last = last.unwrap_or_default();
        let mut options = project.options.options.clone();
        options.ship(&last);
        let judged = draft::complete(&[], &mut drafts, dialect, &options);
        if !self.dry_run {
            write_files(&here.join(&self.to), &to, &drafts)?;
            let base = &project.base;
            let text = write_options(base, &here.join(&self.to), dialect, &last)?;
            screen.print(&text);
        }
        let verb = match (self.dry_run, drafts.len()) {
            (true, _) => "would be",
            (false, 1) => "was",
            (false, _) => "were",
        };
        let summary = Summary {
            drafts: &drafts,
            judged: &judged,
            programs: &programs,
            to: &to,
        };
        screen.print(&self.summary(screen, &summary, verb));
        screen.complain(&left);
        Ok(Exit::Done)
    }

    fn dialect(&self, project: &Project) -> Result<Dialect, Failure> {
        project::engine_of(self.engine, project)
            .ok_or_else(|| Failure::usage(check::engine_unknown()))
    }

    fn drafts(&self, loaded: &Loaded) -> Vec<Draft> {
        let (width, migrations) = (width(loaded), loaded.set.migrations.iter());
        migrations
            .map(|migration| self.draft(migration, width))
            .collect()
    }

    /// What is no SQL: the file, and the id that it would have here.
    fn programs(&self, loaded: &Loaded) -> Vec<(String, String)> {
        let is_program = |one: &&Diagnostic| one.code == "not-sql";
        let with_file = loaded.diagnostics.iter().filter(is_program);
        let named = with_file.filter_map(|one| {
            let id = one.migration.as_ref()?;
            let unread = loaded.unread.iter().find(|unread| unread.id == *id)?;
            Some((id.clone(), id_of(unread.version, id, width(loaded))))
        });
        named.collect()
    }

    fn draft(&self, migration: &Migration, width: usize) -> Draft {
        let tool = self.from.name();
        let source = &migration.up.source;
        let down = migration.down.as_ref().map(|down| self.sql(down));
        let down = down.filter(|down| !down.trim().is_empty());
        let is_unwrapped = self.unwrap && wrapping::without(&migration.up).is_some();
        Draft {
            id: id_of(migration.version, &migration.id, width),
            name: migration.name.clone(),
            description: format!("Taken over from {tool}: {}", source.path()),
            timestamp: written(migration, source.path()),
            up: self.sql(&migration.up),
            down: down.map_or(Down::Unknown, Down::Given),
            rollback_safe: true,
            is_outside_transaction: migration.transaction == Transaction::None && !is_unwrapped,
            irreversible: Some(format!("taken over from {tool}, which had no way back")),
            ..Draft::default()
        }
    }

    /// The SQL as it stands there.
    fn sql(&self, script: &Script) -> String {
        if self.unwrap
            && let Some(text) = wrapping::without(script)
        {
            return text;
        }
        let text = script.source.text();
        match self.from {
            Layout::Dbmate | Layout::Goose => script.span.of(text).to_owned(),
            _ => text.trim_start_matches('\u{feff}').to_owned(),
        }
    }

    fn summary(&self, screen: &Screen, summary: &Summary<'_>, verb: &str) -> String {
        let Summary {
            drafts,
            judged,
            programs,
            to,
        } = *summary;
        let (style, width) = (screen.style(), screen.width());
        let count = |is: fn(&Down) -> bool| drafts.iter().filter(|one| is(&one.down)).count();
        let (given, suggested) = (
            count(|down| matches!(down, Down::Given(_))),
            count(|down| matches!(down, Down::Suggested(_))),
        );
        let without = drafts.len() - given - suggested;
        let all = counted(drafts.len(), "migration");
        let mut text = format!(
            "{all} of {} {verb} written to {to}\n  DOWN: {given} taken over, {suggested} suggested and \
             proven, {without} without\n",
            self.from.name()
        );
        let proofs = judged.values().fold(HashMap::new(), |mut counts, one| {
            *counts.entry(one.proof).or_insert(0_usize) += 1;
            counts
        });
        let words = ["proven", "unproven", "broken", "irreversible"];
        let counts = words
            .iter()
            .filter_map(|word| Some(format!("{} {word}", proofs.get(word)?)));
        text += &format!("  proof: {}\n", counts.collect::<Vec<_>>().join(", "));
        let mut table = Table::indented(2);
        for draft in drafts {
            for (dress, what) in missing(draft, judged.get(&draft.id)) {
                table.row([draft.id.as_str().into(), Cell::new(what, dress)]);
            }
        }
        for (file, id) in programs {
            let what = format!(
                "`{file}` is a program: write {to}/{id}.sql with what it does as SQL, or with what \
                 does nothing"
            );
            table.row([id.as_str().into(), Cell::new(what, Dress::Red)]);
        }
        let rows = table.render(style, width);
        if !rows.is_empty() {
            text += "To look at:\n";
            text += &rows;
        }
        let mut next = Table::indented(2);
        next.row([
            "backstitch check".into(),
            "what the proof finds in them".into(),
        ]);
        let adopt = format!("backstitch adopt --from {}", self.from.name());
        next.row([
            adopt.into(),
            "takes over what is applied, runs nothing".into(),
        ]);
        text + "Next:\n" + &next.render(style, width)
    }
}

/// What is left to be done about one of them.
fn missing(draft: &Draft, judged: Option<&Judged>) -> Vec<(Dress, String)> {
    let mut missing = Vec::new();
    if draft.down == Down::None {
        let what = "no way back is known: write one in place of `@irreversible`";
        missing.push((Dress::Yellow, what.to_owned()));
    }
    let errors = judged
        .map(|judged| judged.errors.as_slice())
        .unwrap_or_default();
    let (wrapped, errors): (Vec<&Diagnostic>, Vec<_>) = errors
        .iter()
        .partition(|error| error.code == "transaction-control");
    if !wrapped.is_empty() {
        let what = "it brings its own transaction, which a migration has already: take BEGIN and \
                    COMMIT out, or import with `--unwrap`";
        missing.push((Dress::Red, what.to_owned()));
    }
    for error in errors {
        missing.push((Dress::Red, format!("{}: {}", error.code, error.message)));
    }
    missing
}

/// What there is to say about what was written.
#[derive(Clone, Copy)]
struct Summary<'s> {
    drafts: &'s [Draft],
    judged: &'s HashMap<String, Judged>,
    programs: &'s [(String, String)],
    to: &'s str,
}

/// How many digits a version has here, so that files stand in order.
fn width(loaded: &Loaded) -> usize {
    let versions = loaded.set.migrations.iter().map(|one| one.version);
    let all = versions.chain(loaded.unread.iter().map(|one| one.version));
    let widest = all.map(|version| version.to_string().len()).max();
    widest.unwrap_or_default().clamp(4, 14)
}

/// What a migration of the other tool is called here.
fn id_of(version: u64, id: &str, width: usize) -> String {
    let numbered = match id.strip_prefix(['V', 'U']) {
        Some(rest) if rest.starts_with(|sign: char| sign.is_ascii_digit()) => rest,
        _ => id,
    };
    let words = numbered.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '-');
    let words = match slug(words) {
        empty if empty.is_empty() => "migration".to_owned(),
        words => words,
    };
    format!("{version:0width$}_{words}")
}

fn write_files(dir: &Path, shown: &str, drafts: &[Draft]) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(|error| unwritable(shown, &error))?;
    let file = |draft: &Draft| dir.join(format!("{}.sql", draft.id));
    // All of them or none.
    if let Some(there) = drafts.iter().find(|draft| file(draft).exists()) {
        let there = format!("{shown}/{}.sql", there.id);
        return Err(Failure::failed(already_there(&there)));
    }
    for draft in drafts {
        fs::write(file(draft), draft.text()).map_err(|error| unwritable(&draft.id, &error))?;
    }
    Ok(())
}

/// Brings the options up to date, and says what was done.
fn write_options(base: &Path, to: &Path, dialect: Dialect, last: &str) -> Result<String, Failure> {
    let file = base.join(FILE_NAME);
    let old = fs::read_to_string(&file).unwrap_or_default();
    let dir = project::shown(to, base);
    let lines = [
        ("engine", dialect.name().to_owned()),
        ("dir", dir),
        ("since", format!("after {last}")),
    ];
    let mut text = old.clone();
    let mut done = Vec::new();
    for (key, value) in lines.iter().rev() {
        if let Some(new) = with_option(&text, key, value) {
            text = new;
            done.push(format!("{key} = \"{value}\""));
        }
    }
    if text == old {
        return Ok(String::new());
    }
    fs::write(&file, text).map_err(|error| unwritable(FILE_NAME, &error))?;
    done.reverse();
    Ok(format!("wrote {FILE_NAME}: {}\n", done.join(", ")))
}

/// The text with this option; `None` where it is there already.
fn with_option(text: &str, key: &str, value: &str) -> Option<String> {
    let line = format!("{key} = \"{value}\"");
    let is_it = |line: &str| {
        line.split('=')
            .next()
            .is_some_and(|word| word.trim() == key)
    };
    let mut is_top = true;
    let mut lines: Vec<&str> = Vec::new();
    let mut is_found = false;
    for old in text.lines() {
        is_top &= !old.trim_start().starts_with('[');
        if is_top && is_it(old) {
            if old.trim() == line {
                return None;
            }
            is_found = true;
            lines.push(&line);
        } else {
            lines.push(old);
        }
    }
    if !is_found {
        lines.insert(0, &line);
    }
    Some(lines.join("\n") + "\n")
}

/// When it was written: by its version where that is a time, or else by its file.
fn written(migration: &Migration, path: &str) -> String {
    let digits = migration.version.to_string();
    let by_version = (digits.len() >= 14).then(|| {
        format!(
            "{}-{}-{}T{}:{}:{}Z",
            &digits[..4],
            &digits[4..6],
            &digits[6..8],
            &digits[8..10],
            &digits[10..12],
            &digits[12..14]
        )
    });
    let by_version = by_version.and_then(|text| text.parse::<Timestamp>().ok());
    let by_file = || {
        let modified = fs::metadata(path).and_then(|file| file.modified()).ok()?;
        Timestamp::try_from(modified).ok()
    };
    let time = by_version.or_else(by_file).unwrap_or_else(Timestamp::now);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn tool() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(TOOLS.map(Layout::name))
        .map(|name| Layout::from_name(&name).expect("one of the possible values"))
}

fn same_folder(shown: &str, from: Layout) -> Diagnostic {
    let tool = from.name();
    let message = format!("`{shown}` is the folder of {tool} itself");
    Diagnostic::error("folder-taken", message)
        .why(format!(
            "{tool} still reads it, and its files are none of ours."
        ))
        .help("Name another one:\n--to db/migrations")
}

fn already_there(file: &str) -> Diagnostic {
    Diagnostic::error("file-exists", format!("`{file}` is there already"))
        .why("Nothing was written, so that nothing is lost.")
        .help("Delete what was imported before, or name another folder by `--to`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_put_in_or_replaced() {
        let with = |text| with_option(text, "since", "0002_b");
        assert_eq!(with("").as_deref(), Some("since = \"0002_b\"\n"));
        assert_eq!(with("since = \"0002_b\"\n"), None);
        assert_eq!(
            with("engine = \"sqlite\"\nsince = \"0001_a\"\n[rules]\nsince = \"x\"\n").as_deref(),
            Some("engine = \"sqlite\"\nsince = \"0002_b\"\n[rules]\nsince = \"x\"\n")
        );
        assert_eq!(
            with("[rules]\nx = \"warn\"\n").as_deref(),
            Some("since = \"0002_b\"\n[rules]\nx = \"warn\"\n")
        );
    }
}
