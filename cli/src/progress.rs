//! What is to be seen while a run is under way: a bar on a terminal, plain lines elsewhere.
//!
//! Whatever is done is printed to standard output in both cases; the bar and the news of what is
//! still going on go to standard error.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use backstitch::{Action, Event};
use backstitch_core::render::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::paint::{Dress, counted, fill, fit, paint};
use crate::screen::Screen;
use crate::when;

/// How often there is a line about what is still going on, where there is no bar.
pub(crate) const NEWS: Duration = Duration::from_secs(10);

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Nothing: a program reads along.
    Nothing,
    /// A line for each migration.
    Migrations,
    /// A line for each statement too.
    Statements,
}

/// Watches a run. Clones watch the same one.
#[derive(Clone)]
pub(crate) struct Progress {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    telling: Telling,
    style: Style,
    bar: Option<ProgressBar>,
    /// How many characters fit into a line of standard output; `None` where nothing bounds it.
    columns: Option<usize>,
    began: Instant,
    /// What is known about each migration: its name, and how many statements run.
    steps: HashMap<String, (String, Option<usize>)>,
    width: usize,
    all: usize,
    done: usize,
    current: Option<Current>,
}

/// The migration that is at work.
struct Current {
    id: String,
    statement: usize,
    /// Of a batch: which round, and how many rows in all.
    round: u64,
    rows: u64,
}

impl Progress {
    pub(crate) fn new(screen: &Screen, telling: Telling) -> Progress {
        let wants_bar = telling != Telling::Nothing && std::io::stderr().is_terminal();
        Progress {
            shared: Arc::new(Mutex::new(Shared {
                telling,
                style: screen.style(),
                bar: wants_bar.then(|| bar(screen.err_style(), columns())),
                columns: screen.width(),
                began: Instant::now(),
                steps: HashMap::new(),
                width: 0,
                all: 0,
                done: 0,
                current: None,
            })),
        }
    }

    /// Words alone, no bar: what is under way cannot be counted.
    pub(crate) fn words(screen: &Screen) -> Progress {
        let progress = Progress::new(screen, Telling::Migrations);
        progress.end();
        progress
    }

    /// Something happened.
    pub(crate) fn see(&self, event: Event<'_>) {
        self.lock().see(event);
    }

    /// A line about what is still going on, where there is no bar that shows it.
    pub(crate) fn news(&self) {
        let shared = self.lock();
        if shared.bar.is_none() && shared.telling != Telling::Nothing {
            let lasted = when::lasted(shared.began.elapsed());
            write_err(&format!("{}, {lasted}\n", shared.course()));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared
            .lock()
            .unwrap_or_else(|panicked| panicked.into_inner())
    }
}

impl Shared {
    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Waiting { holder, waited } => {
                let holder = holder
                    .map(|holder| format!(": {holder}"))
                    .unwrap_or_default();
                let waited = when::lasted(waited);
                self.say(&format!("waiting for others who migrate, {waited}{holder}"));
            }
            Event::Blocked { id, holder, waited } => {
                let id = id.unwrap_or("the history");
                let waited = when::lasted(waited);
                self.say(&format!("{id}: waits for a lock, {waited}: {holder}"));
            }
            Event::Started { plan } => {
                self.all = self.done + plan.steps.len();
                if let Some(bar) = self.bar.as_ref().filter(|bar| bar.is_hidden()) {
                    bar.set_length(self.all as u64);
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                    // It goes on counting the time while a statement runs for long.
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
                for step in &plan.steps {
                    self.width = self.width.max(step.id.len());
                    let about = (step.name.clone(), step.statements);
                    self.steps.insert(step.id.clone(), about);
                }
            }
            Event::MigrationStarted { id, .. } => {
                self.current = Some(Current {
                    id: id.to_owned(),
                    statement: 0,
                    round: 0,
                    rows: 0,
                });
            }
            Event::StatementDone {
                id,
                statement,
                rows_affected,
            } => {
                if let Some(current) = self.current.as_mut().filter(|current| current.id == id) {
                    current.statement = statement;
                }
                if self.telling == Telling::Statements {
                    let of = self.statements(id).map(|all| format!(" of {all}"));
                    let of = of.unwrap_or_default();
                    let rows = counted(rows_affected as usize, "row");
                    self.say(&format!("  {id}: statement {statement}{of}, {rows}"));
                }
            }
            Event::Resumed { id, done } => {
                if let Some(current) = self.current.as_mut().filter(|current| current.id == id) {
                    current.statement = done;
                }
                self.say(&format!("{id}: goes on behind statement {done}"));
            }
            Event::Settled {
                id,
                statement,
                took_effect,
            } => {
                let so = if took_effect {
                    "has taken effect"
                } else {
                    "runs again"
                };
                self.say(&format!(
                    "{id}: statement {statement} {so}, says the catalogue"
                ));
            }
            Event::LeftoverDropped { id, what } => {
                self.say(&format!("{id}: dropped what was left half done: {what}"));
            }
            Event::RoundDone {
                id,
                round,
                rows_affected,
                ..
            } => {
                if let Some(current) = self.current.as_mut().filter(|current| current.id == id) {
                    current.round = round;
                    current.rows += rows_affected;
                }
            }
            Event::Retrying { id, attempt, pause } => {
                let pause = when::lasted(pause);
                self.say(&format!(
                    "{id}: attempt {attempt} met a lock inside the database, again in {pause}"
                ));
            }
            Event::MigrationDone {
                action,
                id,
                elapsed,
            } => self.migration_done(action, id, elapsed),
            Event::MigrationFailed { .. } | Event::Finished { .. } => self.current = None,
            // What a newer library tells and nobody here understands.
            _ => {}
        }
        self.redraw();
    }

    fn migration_done(&mut self, action: Action, id: &str, elapsed: Duration) {
        self.done += 1;
        self.current = None;
        if self.telling == Telling::Nothing {
            return;
        }
        let (dress, verb) = match action {
            Action::Apply => (Dress::Green, "applied"),
            Action::Resume => (Dress::Green, "finished"),
            Action::Accept => (Dress::Green, "accepted"),
            Action::Revert => (Dress::Yellow, "taken back"),
            _ => (Dress::Plain, "done"),
        };
        let name = self.steps.get(id).map_or("", |(name, _)| name.as_str());
        let (verb, lasted) = (paint(self.style, dress, verb), when::lasted(elapsed));
        // Where columns do not fit, what stands in them counts more.
        let fits = self
            .columns
            .is_none_or(|columns| columns >= self.width + 25);
        let line = match fits {
            true => format!("{verb} {}  {lasted:>9}  {name}", fill(id, self.width)),
            false => format!("{verb} {id}  {lasted}  {name}"),
        };
        let line = fit(&line, self.columns) + "\n";
        let write = || {
            let mut out = std::io::stdout().lock();
            // A reader who goes away stops no migration.
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write_err(&format!("{line}\n"))),
            None if self.telling != Telling::Nothing => write_err(&format!("{line}\n")),
            None => {}
        }
    }

    fn statements(&self, id: &str) -> Option<usize> {
        self.steps.get(id)?.1
    }

    /// Where it is: `0003_backfill (statement 2 of 5, round 7, 7000 rows)`.
    fn course(&self) -> String {
        let (id, parts) = self.place();
        match parts.is_empty() {
            true => id.to_owned(),
            false => format!("{id} ({})", parts.join(", ")),
        }
    }

    /// The same in so many characters. What changes is kept, the longer the name the less of it.
    fn course_within(&self, columns: usize) -> String {
        let (id, parts) = self.place();
        let parts = parts.join(", ");
        if self.course().chars().count() <= columns || parts.is_empty() {
            return fit(&self.course(), Some(columns));
        }
        match columns.saturating_sub(parts.chars().count() + 3) {
            room @ 6.. => format!("{} ({parts})", fit(id, Some(room))),
            _ => fit(&self.figures(), Some(columns)),
        }
    }

    /// How far it has come, where words have no room.
    fn figures(&self) -> String {
        let Some(current) = &self.current else {
            return String::new();
        };
        let mut figures = Vec::new();
        if let Some(all) = self.statements(&current.id).filter(|all| *all > 1) {
            figures.push(format!("{}/{all}", (current.statement + 1).min(all)));
        }
        if current.round > 0 {
            figures.push(format!("{} rows", current.rows));
        }
        figures.join(", ")
    }

    /// The migration at work, and how far it has come.
    fn place(&self) -> (&str, Vec<String>) {
        let Some(current) = &self.current else {
            return ("", Vec::new());
        };
        let mut parts = Vec::new();
        // A single statement, or all of them in one message, tell nothing before the end.
        if let Some(all) = self.statements(&current.id).filter(|all| *all > 1) {
            parts.push(format!(
                "statement {} of {all}",
                (current.statement + 1).min(all)
            ));
        }
        if current.round > 0 {
            parts.push(format!("round {}, {} rows", current.round, current.rows));
        }
        (&current.id, parts)
    }

    fn redraw(&self) {
        let Some(bar) = &self.bar else {
            return;
        };
        bar.set_length(self.all as u64);
        bar.set_position(self.done as u64);
        let room = columns().saturating_sub(bar_width(columns()) + BESIDE);
        bar.set_message(self.course_within(room));
    }
}

/// What stands between the bar and its words: `12/34  5m  `.
const BESIDE: usize = 14;

/// How wide the terminal is.
fn columns() -> usize {
    let size = console::Term::stderr().size_checked();
    size.map_or(80, |(_, columns)| columns.into())
}

/// So much of a line is the bar; the rest is for words.
fn bar_width(columns: usize) -> usize {
    (columns / 6).clamp(4, 30)
}

fn bar(style: Style, columns: usize) -> ProgressBar {
    // Shown when it is known how much there is to do.
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
    let width = bar_width(columns);
    let template = match style {
        Style::Ansi => {
            format!("{{bar:{width}.green/dim}} {{pos}}/{{len}}  {{elapsed}}  {{wide_msg}}")
        }
        Style::Plain => format!("{{bar:{width}}} {{pos}}/{{len}}  {{elapsed}}  {{wide_msg}}"),
    };
    let template = ProgressStyle::with_template(&template).expect("the template is well-formed");
    bar.set_style(template.progress_chars("=> "));
    bar
}

fn write_err(text: &str) {
    // Where not even this can be written, nobody is there to read it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
