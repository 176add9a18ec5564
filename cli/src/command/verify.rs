//! `backstitch verify`: whether the database is what the history says, and the history what the
//! migrations are.

use backstitch::{Drift, Verification, Verify as Asked};
use backstitch_core::render::{self, Style};
use backstitch_core::{Diagnostic, Severity};
use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::failure::{Failure, in_our_words};
use crate::online::{Online, Work};
use crate::paint::{Dress, counted, paint};
use crate::product::Product;
use crate::target::Target;

/// The arguments of `verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    #[command(flatten)]
    target: Target,
    /// Look for drift by running the applied migrations in a scratch database on this server;
    /// SQLite needs none
    #[arg(long, value_name = "URL")]
    replay_on: Option<String>,
    /// Leave drift out: the history and its checksums only
    #[arg(long, conflicts_with = "replay_on")]
    without_drift: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch verify                                       the history, its checksums; drift on SQLite
  backstitch verify --replay-on postgres://me@test-server/postgres
      drift too: what is there, against what the migrations make on a server for tests
  backstitch verify --json | jq .drift.differences        for programs

What others make is named in backstitch.toml: external = [\"public.geometry_columns\"].
It writes nothing to the database. Exit codes:
  0 nothing is wrong   1 a run stopped half-way or comes too late   4 drift or tampering";

/// What does not mean that the history and the migrations disagree.
const UNFINISHED: [&str; 2] = ["migration-unfinished", "migration-out-of-order"];

impl Online for Verify {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let mut asked = Asked::new().external(work.config.options.external.iter());
        if let Some(url) = &self.replay_on {
            asked = asked.replay_on(url);
        }
        if self.without_drift {
            asked = asked.without_drift();
        }
        let url = work.config.url.as_str();
        let mut found = work.migrator().verify(url, asked).await?;
        found.findings = found.findings.into_iter().map(in_our_words).collect();
        let text = match self.json {
            true => format!("{:#}\n", to_json(&found)),
            false => draw(&found, work.screen.style()),
        };
        work.screen.print(&text);
        Ok(exit(&found))
    }
}

fn exit(found: &Verification) -> Exit {
    let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
    let mut errors = found.findings.iter().filter(is_error);
    if found.is_ok() {
        return Exit::Done;
    }
    let has_drift = !found.drift.differences().is_empty();
    match has_drift || errors.any(|one| !UNFINISHED.contains(&one.code)) {
        true => Exit::Drift,
        false => Exit::Failed,
    }
}

fn draw(found: &Verification, style: Style) -> String {
    let mut text = String::new();
    for finding in &found.findings {
        text += &render::render(finding, style);
        text.push('\n');
    }
    let ok = |is_ok: bool| match is_ok {
        true => paint(style, Dress::Green, "ok"),
        false => paint(style, Dress::Red, "wrong"),
    };
    let is_error = |one: &Diagnostic| one.severity == Severity::Error;
    let applied = counted(found.applied, "migration");
    let history = ok(!found.findings.iter().any(is_error));
    text += &match found.findings.len() {
        0 => format!("history  {history}  {applied} applied, as they are here\n"),
        count => format!(
            "history  {history}  {applied} applied, {}\n",
            counted(count, "finding")
        ),
    };
    let drift = found.drift.to_string();
    let (first, rest) = drift.split_once('\n').unwrap_or((&drift, ""));
    let first = first.trim_start_matches("drift: ");
    let first = first.replace("by `.replay_on(url)`", "by `--replay-on URL`");
    let word = match &found.drift {
        Drift::Unknown(_) => paint(style, Dress::Yellow, "not looked"),
        drift => ok(drift.differences().is_empty()),
    };
    text += &format!(
        "drift    {word}  {}\n",
        first.trim_start_matches("not known, ")
    );
    if !rest.is_empty() {
        text += &format!("{rest}\n");
    }
    text
}

/// The contract of `JSON.md`.
fn to_json(found: &Verification) -> serde_json::Value {
    let findings: Vec<_> = found
        .findings
        .iter()
        .map(|one| {
            json!({
                "code": one.code,
                "severity": one.severity,
                "migration": one.migration,
                "message": one.message,
                "why": one.why,
                "help": one.help,
            })
        })
        .collect();
    let differences = found.drift.differences().iter();
    let differences: Vec<String> = differences.map(ToString::to_string).collect();
    let unknown = match &found.drift {
        Drift::Unknown(why) => Some(why),
        _ => None,
    };
    json!({
        "ok": found.is_ok(),
        "applied": found.applied,
        "findings": findings,
        "drift": {
            "looked": unknown.is_none(),
            "because": unknown,
            "differences": differences,
        },
    })
}
