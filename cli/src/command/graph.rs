//! `backstitch graph`: pictures of the migrations and of the schema that they make.

use std::path::PathBuf;

use backstitch_core::dir::{self, Layout};
use backstitch_core::{Dialect, Severity, proof};
use clap::Args;

use crate::command::check;
use crate::command::new::unwritable;
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::project::{self, Project};
use crate::screen::Screen;
use crate::target::engine;

mod dot;
mod layout;
mod mermaid;
mod picture;
mod svg;

/// The arguments of `graph`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Graph {
    /// What to draw
    #[arg(value_enum, default_value_t)]
    what: What,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The file; without it, standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of the migrations, or of the project; without it, the project around here
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// An options file other than the backstitch.toml of the project
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
    /// The engine that the migrations are for, in place of what backstitch.toml says
    #[arg(long, value_parser = engine())]
    engine: Option<Dialect>,
}

/// What to draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// The tables that the migrations make, and how they refer to each other
    #[default]
    Schema,
    /// The migrations, and which depends on which
    Dependencies,
}

/// How to write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For Markdown
    #[default]
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

const EXAMPLES: &str = "\
Examples:
  backstitch graph                                         the schema, for a README
  backstitch graph --format svg -o schema.svg              as a picture
  backstitch graph dependencies --format dot | dot -Tpng > migrations.png

It needs no database: the schema is the one that the migrations make, as far as they are understood.
Exit codes:
  0 drawn   1 the migrations cannot be read   2 wrong call";

impl Graph {
    /// Draws it.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let outcome = self.draw(screen);
        settle(outcome, screen)
    }

    fn draw(&self, screen: &mut Screen) -> Result<Exit, Failure> {
        let project = Project::named(self.dir.as_deref(), self.options.as_deref())?;
        let Some(dialect) = project::engine_of(self.engine, &project) else {
            return Err(Failure::usage(check::engine_unknown()));
        };
        let loaded = dir::load(&project.dir, &project.shown_as, dialect, Layout::Annotated);
        if loaded
            .diagnostics
            .iter()
            .any(|one| one.severity == Severity::Error)
        {
            return Err(Failure {
                diagnostics: loaded.diagnostics,
                exit: Exit::Failed,
            });
        }
        let picture = match self.what {
            What::Dependencies => picture::of_dependencies(&loaded.set),
            What::Schema => {
                let checked = proof::check(&loaded.set, &project.options.options);
                picture::of_schema(&checked.schema)
            }
        };
        let text = match self.format {
            Format::Mermaid => mermaid::write(&picture),
            Format::Dot => dot::write(&picture),
            Format::Svg => svg::write(&picture),
        };
        match &self.output {
            Some(file) => std::fs::write(file, text)
                .map_err(|error| unwritable(&file.display().to_string(), &error))?,
            None => screen.print(&text),
        }
        Ok(Exit::Done)
    }
}
