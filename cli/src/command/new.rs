//! `backstitch new`: the file of the next migration.

use std::fs;
use std::io::Read;
use std::path::Path;

use backstitch_core::diagnostic::Section;
use backstitch_core::dir::{self, Layout, Loaded};
use backstitch_core::migration::Phase;
use backstitch_core::options::{Options, Versions};
use backstitch_core::{Diagnostic, Dialect, lockfile};
use clap::Args;
use jiff::Timestamp;

use crate::command::lock;
use crate::draft::{self, Down, Draft, Judged};
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::project::{self, Project};
use crate::scope::PhaseName;
use crate::screen::Screen;
use crate::target::engine;

/// The arguments of `new`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct New {
    /// What it does, in a few words
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// The statements of the UP; `-` reads them from standard input. The DOWN is suggested
    #[arg(long, value_name = "SQL", allow_hyphen_values = true)]
    sql: Option<String>,
    /// Why it is made, for `@description`
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// `@phase`: whether the release before keeps working with it
    #[arg(long, value_enum)]
    phase: Option<PhaseName>,
    /// How it is numbered, in place of what backstitch.toml says; without it, as the newest is
    #[arg(long, value_enum)]
    versions: Option<Numbering>,
    /// The folder of the migrations, or of the project; without it, the project around here
    #[arg(long, value_name = "DIR")]
    dir: Option<std::path::PathBuf>,
    /// An options file other than the backstitch.toml of the project
    #[arg(long, value_name = "FILE")]
    options: Option<std::path::PathBuf>,
    /// The engine that the migrations are for, in place of what backstitch.toml says
    #[arg(long, value_parser = engine())]
    engine: Option<Dialect>,
}

/// How migrations are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Numbering {
    /// 0001, 0002 and so on
    Sequence,
    /// By the time in UTC, 20260105100000
    Timestamp,
}

const EXAMPLES: &str = "\
Examples:
  backstitch new add user email
      migrations/0004_add_user_email.sql, with a header and empty sections
  backstitch new add user email --sql \"ALTER TABLE users ADD COLUMN email TEXT\"
      with the UP, the DOWN that the proof suggests, and the header that fits
  pg_dump --schema-only shop | backstitch new first --sql -
      from standard input
  backstitch new add user email --versions timestamp
      20260105100000_add_user_email.sql

It makes a build.rs where there is none, so that cargo sees new files, and keeps the lock file up.
Exit codes:
  0 written   1 not written   2 wrong call";

impl New {
    /// Writes the file.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let outcome = self.write(screen);
        settle(outcome, screen)
    }

    fn write(&self, screen: &mut Screen) -> Result<Exit, Failure> {
        let project = Project::named(self.dir.as_deref(), self.options.as_deref())?;
        let options = project.options.options.clone();
        let dialect = self.dialect(&project)?;
        fs::create_dir_all(&project.dir).map_err(|error| unwritable(&project.shown_as, &error))?;
        let loaded = dir::load(
            &project.dir,
            &project.shown_as,
            dialect.unwrap_or(Dialect::ALL[0]),
            Layout::Annotated,
        );
        let mut draft = self.draft(&options, &loaded)?;
        let sql = self.sql()?;
        let judged = sql.map(|sql| self.complete(&mut draft, &loaded, sql, dialect, &options));
        let judged = judged.transpose()?;
        if let Some(judged) = &judged
            && judged.errors.iter().any(is_about_the_up)
        {
            return Err(Failure {
                diagnostics: judged.errors.clone(),
                exit: Exit::Failed,
            });
        }
        let shown = format!("{}/{}.sql", project.shown_as, draft.id);
        let file = project.dir.join(format!("{}.sql", draft.id));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file);
        written
            .and_then(|mut file| std::io::Write::write_all(&mut file, draft.text().as_bytes()))
            .map_err(|error| unwritable(&shown, &error))?;
        screen.print(&format!("wrote {shown}\n"));
        keep_lock(&project, dialect, screen)?;
        make_build_script(&project, screen)?;
        if dialect.is_none() {
            screen.print(
                "say in backstitch.toml which engine they are for:\n  engine = \"postgres\"\n",
            );
        }
        screen.print(&remarks(&draft, judged.as_ref()));
        Ok(Exit::Done)
    }

    /// The engine, as far as it is needed and known.
    fn dialect(&self, project: &Project) -> Result<Option<Dialect>, Failure> {
        match project::engine_of(self.engine, project) {
            None if self.sql.is_some() => Err(Failure::usage(engine_unknown())),
            dialect => Ok(dialect),
        }
    }

    fn draft(&self, options: &Options, loaded: &Loaded) -> Result<Draft, Failure> {
        let words = self.words.join(" ");
        let slug = slug(&words);
        if slug.is_empty() {
            return Err(Failure::usage(no_words(&words)));
        }
        let now = Timestamp::now();
        let name = capitalised(&words);
        let description = self.description.clone();
        Ok(Draft {
            id: next_id(&slug, self.versions, options, loaded, now),
            description: description.unwrap_or_else(|| format!("{name}.")),
            name,
            timestamp: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            phase: self.phase.map(|phase| match phase {
                PhaseName::Expand => Phase::Expand,
                PhaseName::Contract => Phase::Contract,
            }),
            rollback_safe: true,
            up: "\n".to_owned(),
            down: Down::None,
            ..Draft::default()
        })
    }

    fn sql(&self) -> Result<Option<String>, Failure> {
        let mut sql = match self.sql.as_deref() {
            None => return Ok(None),
            Some("-") => {
                let mut sql = String::new();
                let read = std::io::stdin().read_to_string(&mut sql);
                read.map_err(|error| unwritable("standard input", &error))?;
                sql
            }
            Some(sql) => sql.to_owned(),
        };
        let end = sql.trim_end().len();
        sql.truncate(end);
        if sql
            .trim_matches(|c: char| c == ';' || c.is_whitespace())
            .is_empty()
        {
            return Err(Failure::usage(no_sql()));
        }
        if !sql.ends_with(';') {
            sql.push(';');
        }
        sql.push('\n');
        Ok(Some(sql))
    }

    fn complete(
        &self,
        draft: &mut Draft,
        loaded: &Loaded,
        sql: String,
        dialect: Option<Dialect>,
        options: &Options,
    ) -> Result<Judged, Failure> {
        let Some(dialect) = dialect else {
            return Err(Failure::usage(engine_unknown()));
        };
        draft.up = sql;
        draft.down = Down::Unknown;
        let drafts = std::slice::from_mut(draft);
        let mut judged = draft::complete(&loaded.set.migrations, drafts, dialect, options);
        Ok(judged.remove(&drafts[0].id).expect("it was judged"))
    }
}

/// What fails whatever the DOWN is, which may still be to write.
fn is_about_the_up(error: &Diagnostic) -> bool {
    let is_about_an_empty_down =
        error.code == "section-empty" && error.section != Some(Section::Up);
    !error.code.starts_with("rollback-") && !is_about_an_empty_down
}

/// What is left to be done by hand.
fn remarks(draft: &Draft, judged: Option<&Judged>) -> String {
    let Some(judged) = judged else {
        return "write the UP and the DOWN, then:\n  backstitch check\n".to_owned();
    };
    match &draft.down {
        Down::Suggested(down) => {
            let proof = judged.proof;
            format!(
                "the DOWN was suggested, and is {proof} to give back the schema:\n{}",
                indented(down)
            )
        }
        Down::Given(_) | Down::Unknown | Down::Asked | Down::None => {
            "no DOWN is known for this: write it, or say why there is none by `-- @irreversible: \
             reason`\n"
                .to_owned()
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// The lock file stays as it is where the new migration is not written yet, but cargo sees that
/// something has changed.
fn keep_lock(
    project: &Project,
    dialect: Option<Dialect>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let file = project.dir.join(lockfile::FILE_NAME);
    if !file.exists() {
        return Ok(());
    }
    let loaded = dialect
        .map(|dialect| dir::load(&project.dir, &project.shown_as, dialect, Layout::Annotated));
    match loaded.filter(lock::is_sound) {
        Some(loaded) => {
            let shown = lock::write(&file, &loaded.set, &project.shown_as)?;
            screen.print(&format!("updated {shown}\n"));
        }
        None => touch(&file).map_err(|error| unwritable(lockfile::FILE_NAME, &error))?,
    }
    Ok(())
}

fn touch(file: &Path) -> std::io::Result<()> {
    let now = std::time::SystemTime::now();
    fs::OpenOptions::new()
        .append(true)
        .open(file)?
        .set_modified(now)
}

/// cargo does not look into folders by itself.
fn make_build_script(project: &Project, screen: &mut Screen) -> Result<(), Failure> {
    if !project.base.join("Cargo.toml").exists() {
        return Ok(());
    }
    let dir = project::shown(&project.dir, &project.base);
    let line = format!("println!(\"cargo:rerun-if-changed={dir}\");");
    let file = project.base.join("build.rs");
    if let Ok(text) = fs::read_to_string(&file) {
        if !text.contains("rerun-if-changed=") || !text.contains(&dir) {
            screen.print(&format!(
                "add this to build.rs, so that cargo sees new files:\n  {line}\n"
            ));
        }
        return Ok(());
    }
    fs::write(&file, format!("fn main() {{\n    {line}\n}}\n"))
        .map_err(|error| unwritable("build.rs", &error))?;
    screen.print("wrote build.rs, so that cargo sees new files\n");
    Ok(())
}

/// The id of the next migration.
pub(crate) fn next_id(
    slug: &str,
    numbering: Option<Numbering>,
    options: &Options,
    loaded: &Loaded,
    now: Timestamp,
) -> String {
    let newest = loaded.set.migrations.last();
    let newest = newest.map(|one| one.id.split('_').next().unwrap_or_default());
    let versions = match numbering {
        Some(Numbering::Sequence) => Versions::Sequence,
        Some(Numbering::Timestamp) => Versions::Timestamp,
        None => options.versions.unwrap_or_else(|| habit(newest)),
    };
    format!("{}_{slug}", next_version(versions, newest, now))
}

/// As the newest one is numbered.
fn habit(newest: Option<&str>) -> Versions {
    match newest {
        Some(digits) if digits.len() >= 12 => Versions::Timestamp,
        Some(_) | None => Versions::Sequence,
    }
}

fn next_version(versions: Versions, newest: Option<&str>, now: Timestamp) -> String {
    let number = newest.and_then(|digits| digits.parse::<u64>().ok());
    let next = number.map_or(1, |number| number + 1);
    match versions {
        Versions::Sequence => {
            let width = newest.map_or(4, str::len);
            format!("{next:0width$}")
        }
        Versions::Timestamp => {
            let by_time = now.strftime("%Y%m%d%H%M%S").to_string();
            // Two in one second, or a clock that went back: it comes last all the same.
            match by_time.parse::<u64>().is_ok_and(|number| number >= next) {
                true => by_time,
                false => next.to_string(),
            }
        }
    }
}

pub(crate) fn slug(words: &str) -> String {
    let lower = words.to_lowercase();
    let parts = lower.split(|sign: char| !sign.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

fn capitalised(words: &str) -> String {
    let words = words.trim().replace('_', " ");
    let mut signs = words.chars();
    let first = signs.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + signs.as_str()
}

fn no_words(words: &str) -> Diagnostic {
    Diagnostic::error("file-name", format!("no file can be named after `{words}`"))
        .why("The name of a migration is made of the letters a to z, digits and underscores.")
        .help("Say in a few words what it does:\nbackstitch new add user email")
}

fn no_sql() -> Diagnostic {
    Diagnostic::error("section-empty", "there is no statement to write")
        .why("What `--sql` gives becomes the UP, and holds nothing.")
        .help("Give a statement, or leave `--sql` out to write the UP by hand.")
}

fn engine_unknown() -> Diagnostic {
    Diagnostic::error(
        "engine-unknown",
        "nothing says which engine the migrations are for",
    )
    .why("Every engine has its own SQL, and its own way back.")
    .help("Name it in backstitch.toml:\nengine = \"postgres\"\nor in the call:\n--engine postgres")
}

pub(crate) fn unwritable(what: &str, error: &std::io::Error) -> Failure {
    let message = format!("`{what}` cannot be written: {error}");
    Failure::failed(Diagnostic::error("file-unwritable", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions() {
        assert_eq!(slug("Add user's  e-mail!"), "add_user_s_e_mail");
        assert_eq!(slug("ä"), "");
        assert_eq!(capitalised("add_user email"), "Add user email");
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().expect("a time");
        let next = |versions, newest| next_version(versions, newest, now);
        assert_eq!(next(Versions::Sequence, None), "0001");
        assert_eq!(next(Versions::Sequence, Some("0009")), "0010");
        assert_eq!(next(Versions::Sequence, Some("99999")), "100000");
        assert_eq!(next(Versions::Timestamp, None), "20260105100000");
        assert_eq!(
            next(Versions::Timestamp, Some("20260105100000")),
            "20260105100001"
        );
        assert_eq!(habit(Some("20260105100000")), Versions::Timestamp);
        assert_eq!(habit(Some("0009")), Versions::Sequence);
    }
}
