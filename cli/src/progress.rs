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

use crate::paint::{Dress, counted, fill, paint};
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
                bar: wants_bar.then(|| bar(screen.err_style())),
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
            Event::Started { plan } => {
                self.all = self.done + plan.steps.len();
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
        let line = format!(
            "{} {}  {:>9}  {name}\n",
            paint(self.style, dress, verb),
            fill(id, self.width),
            when::lasted(elapsed)
        );
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
        let Some(current) = &self.current else {
            return String::new();
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
        match parts.is_empty() {
            true => current.id.clone(),
            false => format!("{} ({})", current.id, parts.join(", ")),
        }
    }

    fn redraw(&self) {
        let Some(bar) = &self.bar else {
            return;
        };
        bar.set_length(self.all as u64);
        bar.set_position(self.done as u64);
        bar.set_message(self.course());
    }
}

fn bar(style: Style) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
    let template = match style {
        Style::Ansi => "{bar:30.green/dim} {pos}/{len}  {elapsed}  {wide_msg}",
        Style::Plain => "{bar:30} {pos}/{len}  {elapsed}  {wide_msg}",
    };
    let template = ProgressStyle::with_template(template).expect("the template is well-formed");
    bar.set_style(template.progress_chars("=> "));
    // It goes on counting the time while a statement runs for long.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn write_err(text: &str) {
    // Where not even this can be written, nobody is there to read it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
