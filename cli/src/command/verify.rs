//! `backstitch verify`: whether the database is what the history says, and the history what the
//! migrations are.

use backstitch::{Drift, ToldBy, Verification, Verify as Asked};
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
    /// Look for drift in every detail, by running the applied migrations in a scratch database on
    /// this server; SQLite needs none
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
  backstitch verify                                  the history, its checksums, and drift:
      what is there, against what the migrations make by the model of the schema
  backstitch verify --replay-on postgres://me@test-server/postgres
      against what they make on a server for tests, in every detail
  backstitch verify --json | jq .drift.differences   for programs

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
    text += &drift(found, style);
    text
}

fn drift(found: &Verification, style: Style) -> String {
    let ok = |is_ok: bool| match is_ok {
        true => paint(style, Dress::Green, "ok"),
        false => paint(style, Dress::Red, "wrong"),
    };
    let by = match found.told_by {
        Some(ToldBy::Model) => ", by the model of the schema",
        _ => "",
    };
    let mut text = match &found.drift {
        Drift::None => {
            let ok = ok(true);
            format!("drift    {ok}  none, the database is what the migrations make{by}\n")
        }
        Drift::Found(differences) => {
            let (wrong, count) = (ok(false), counted(differences.len(), "difference"));
            let mut text = format!("drift    {wrong}  {count} from what the migrations make{by}\n");
            for difference in differences {
                text += &format!("  {difference}\n");
            }
            text + ADVICE
        }
        Drift::Unknown(why) => {
            let word = paint(style, Dress::Yellow, "not looked");
            format!("drift    {word}  {why}\n")
        }
        _ => String::new(),
    };
    if !found.not_compared.is_empty() {
        text += "not compared\n";
        for one in &found.not_compared {
            text += &format!("  {one}\n");
        }
        text += "  (`--replay-on URL` compares these too)\n";
    }
    text
}

const ADVICE: &str = "\
To keep what is there, write a migration that makes it (`backstitch new`) and mark it as applied
(`backstitch repair applied`); to have what the migrations make, undo it by hand. What others make
is named in backstitch.toml: external = [\"public.geometry_columns\"].
";

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
    let drifted = found.drift.differences();
    let told = drifted.iter().map(|one| one.difference.to_string());
    let differences: Vec<String> = told.collect();
    let details: Vec<_> = drifted
        .iter()
        .map(|one| {
            json!({
                "difference": one.difference.to_string(),
                "made_by": one.made_by,
                "remedy": one.remedy,
            })
        })
        .collect();
    let not_compared: Vec<_> = found
        .not_compared
        .iter()
        .map(|one| json!({"what": one.what, "because": one.because}))
        .collect();
    let told_by = found.told_by.map(|told_by| match told_by {
        ToldBy::Model => "model",
        _ => "replay",
    });
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
            "told_by": told_by,
            "differences": differences,
            "details": details,
            "not_compared": not_compared,
        },
    })
}
