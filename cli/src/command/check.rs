//! `backstitch check`: everything that the compiler checks, without the compiler.

use std::path::PathBuf;

use backstitch_core::diagnostic::{Diagnostic, Severity};
use backstitch_core::dialect::Dialect;
use backstitch_core::dir::{self, Layout};
use backstitch_core::report::Report;
use backstitch_core::set::Set;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::exit::Exit;
use crate::format::{self, Format};
use crate::project::{self, Project};
use crate::screen::Screen;
use crate::target::engine;

/// The arguments of `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The folder of the migrations, or of the project; without it, the project around here
    dir: Option<PathBuf>,
    /// The engine that the migrations are for, in place of what backstitch.toml says
    #[arg(long, value_parser = engine())]
    engine: Option<Dialect>,
    /// How the files are named and written: ours, or as another tool has them
    #[arg(long, value_parser = layout(), long_help = LAYOUT)]
    layout: Option<Layout>,
    /// An options file other than the backstitch.toml of the project
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
    /// How to write what is found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The least severity to show
    #[arg(long, value_enum, default_value_t)]
    level: Level,
    /// Fail on warnings as well
    #[arg(long)]
    deny_warnings: bool,
}

/// The least severity to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    /// Everything
    Info,
    /// What locks, loses or breaks something, and errors
    #[default]
    Warn,
    /// What fails, or has no way back
    Error,
}

const LAYOUT: &str = "\
How the files are named and written: ours, or as another tool has them.

  annotated       0001_users.sql with annotations and sections; the default
  sqlx            0001_users.up.sql and 0001_users.down.sql, or 0001_users.sql
  golang-migrate  1_users.up.sql and 1_users.down.sql
  diesel          2026-01-05-100000_users/up.sql and down.sql
  dbmate          one file with `-- migrate:up` and `-- migrate:down`
  goose           one file with `-- +goose Up` and `-- +goose Down`
  refinery        V1__users.sql
  up-down         as sqlx, where a file of another name is an error

Files of other tools need no annotations.";

const EXAMPLES: &str = "\
Examples:
  backstitch check                                         the project around here
  backstitch check --deny-warnings --format github         in a workflow of GitHub
  backstitch check --layout diesel --engine mysql db       before a move from Diesel
  backstitch check --format json | jq .summary             for programs
  backstitch check --format sarif > backstitch.sarif       for code scanning

Exit codes:
  0 no error   1 errors, or warnings with --deny-warnings   2 wrong call";

impl Check {
    /// Checks, and prints what was found.
    pub fn run(&self, screen: &mut Screen) -> Exit {
        match self.report() {
            Ok(report) => {
                let level = self.level.severity(self.deny_warnings);
                screen.print(&format::write(self.format, &report, level, screen.style()));
                self.exit(&report)
            }
            Err(diagnostics) => {
                screen.complain(&diagnostics);
                Exit::Usage
            }
        }
    }

    /// Everything that can be found out, or why there is nothing to look at.
    fn report(&self) -> Result<Report, Vec<Diagnostic>> {
        let project = Project::named(self.dir.as_deref(), self.options.as_deref())
            .map_err(|failure| failure.diagnostics)?;
        let engine = project::engine_of(self.engine, &project);
        let options = project.options.options;
        let mut found = project.options.diagnostics;
        let Some(dialect) = engine else {
            // Why the options do not tell it is the better answer where there is one.
            if found.is_empty() {
                found.push(engine_unknown());
            }
            return Err(found);
        };
        let layout = self.layout.unwrap_or_default();
        let mut loaded = dir::load(&project.dir, &project.shown_as, dialect, layout);
        let is_ours = !loaded.set.migrations.is_empty() && !loaded.diagnostics.iter().any(is_error);
        let evident = match self.layout.is_some() || is_ours {
            true => None,
            false => Layout::evident(&project.dir),
        };
        if let Some(other) = evident {
            loaded.diagnostics = vec![layout_unclear(&project.shown_as, other)];
            (loaded.set, _) = Set::new(dialect, Vec::new());
        }
        Ok(Report::of(loaded, layout, &options, found))
    }

    fn exit(&self, report: &Report) -> Exit {
        let denied = self.deny_warnings && report.count(Severity::Warn) > 0;
        match denied || report.count(Severity::Error) > 0 {
            true => Exit::Failed,
            false => Exit::Done,
        }
    }
}

impl Level {
    /// What makes the call fail is always shown.
    fn severity(self, deny_warnings: bool) -> Severity {
        match self {
            Level::Info => Severity::Info,
            Level::Error if !deny_warnings => Severity::Error,
            Level::Warn | Level::Error => Severity::Warn,
        }
    }
}

fn layout() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .map(|name| Layout::from_name(&name).expect("one of the possible values"))
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

pub(crate) fn engine_unknown() -> Diagnostic {
    let engines = Dialect::ALL.map(Dialect::name).join(", ");
    let message = "nothing says which engine the migrations are for";
    Diagnostic::error("engine-unknown", message)
        .why("Every engine has its own SQL.")
        .help(format!(
            "Name one of {engines} in backstitch.toml, which stands beside Cargo.toml:\n\
             engine = \"postgres\"\n\
             or in the call:\nbackstitch check --engine postgres"
        ))
}

fn layout_unclear(shown: &str, layout: Layout) -> Diagnostic {
    let name = layout.name();
    let message = format!("`{shown}` holds no annotated migrations; it looks like that of {name}");
    let source = backstitch_core::source::Source::new(shown, "");
    Diagnostic::error("layout-unclear", message)
        .at(&source, Default::default(), "")
        .why("Every file would be reported for what it is not meant to be.")
        .help(format!(
            "To check it as {name} runs it:\nbackstitch check --layout {name} {shown}"
        ))
}
