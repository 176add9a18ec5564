//! `backstitch plan`: what `up` would do now.

use backstitch::{Action, Plan as Steps};
use backstitch_core::render::Style;
use clap::Args;
use serde_json::json;

use crate::command::status::outlooks;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::outlook;
use crate::paint::{Dress, counted, paint};
use crate::product::Product;
use crate::scope::Scope;
use crate::target::Target;

/// The arguments of `plan`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Plan {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    scope: Scope,
    /// Show the statements, too
    #[arg(long)]
    sql: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch plan                        what `backstitch up` would do
  backstitch plan --sql                  with every statement
  backstitch plan --target 0007          no further than version 7
  backstitch plan --json | jq .steps     for programs

It writes nothing and takes no lock. Exit codes:
  0 shown   1 `up` would be refused   4 drift";

impl Online for Plan {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let url = work.config.url.as_str();
        let steps = self.scope.plan(work, url).await?;
        let text = match self.json {
            true => self.to_json(work, &steps),
            false => show(work, &steps, self.sql),
        };
        work.screen.print(&text);
        Ok(Exit::Done)
    }
}

impl Plan {
    fn to_json<DB: Product>(&self, work: &Work<'_, DB>, plan: &Steps) -> String {
        let set = work.migrations.set();
        let ids: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
        let outlooks = outlook::of(set, &work.config.options, &ids);
        let steps: Vec<_> = plan
            .steps
            .iter()
            .map(|step| {
                let outlook = outlooks.iter().find(|one| one.id == step.id);
                json!({
                    "action": step.action,
                    "id": step.id,
                    "name": step.name,
                    "statements": step.statements,
                    "impact": outlook.map(|one| one.impact),
                    "risk": outlook.map(|one| one.risk),
                    "because": outlook.map(|one| &one.because),
                })
            })
            .collect();
        format!(
            "{:#}\n",
            json!({ "steps": steps, "remaining": plan.remaining })
        )
    }
}

/// What would be done, for people.
pub(crate) fn show<DB: Product>(work: &Work<'_, DB>, plan: &Steps, sql: bool) -> String {
    let (style, width) = (work.screen.style(), work.screen.width());
    let set = work.migrations.set();
    if plan.is_empty() {
        return match plan.remaining.len() {
            0 => format!(
                "nothing to do: {}, all applied\n",
                counted(set.migrations.len(), "migration")
            ),
            more => format!(
                "nothing to do here, {} beyond\n",
                counted(more, "migration")
            ),
        };
    }
    let of = |action: Action| plan.steps.iter().filter(move |step| step.action == action);
    let mut text = String::new();
    let apply: Vec<String> = of(Action::Apply).map(|step| step.id.clone()).collect();
    if !apply.is_empty() {
        text += &format!("{}\n", paint(style, Dress::Bold, "To apply"));
        let all = outlook::of(set, &work.config.options, &apply);
        text += &outlooks(&all, usize::MAX, style, width);
    }
    if of(Action::Resume).next().is_some() {
        text += &format!("{}\n", paint(style, Dress::Bold, "To go on with"));
        for step in of(Action::Resume) {
            let at = step.done + 1;
            let all = step
                .statements
                .map(|all| format!(" of {all}"))
                .unwrap_or_default();
            let doubt = match step.in_doubt {
                true => ", unless that has taken effect",
                false => "",
            };
            text += &format!("  {}  at statement {at}{all}{doubt}\n", step.id);
        }
    }
    if of(Action::Accept).next().is_some() {
        text += &format!(
            "{}\n",
            paint(style, Dress::Bold, "To accept in their new text")
        );
        for step in of(Action::Accept) {
            text += &format!("  {}\n", step.id);
        }
    }
    if !plan.remaining.is_empty() {
        let beyond = format!(
            "and {} beyond the target",
            counted(plan.remaining.len(), "more")
        );
        text += &format!(
            "{}\n",
            paint(style, Dress::Dim, &beyond.replace("mores", "more"))
        );
    }
    if sql {
        for id in &apply {
            text += &statements(set, id, style);
        }
    }
    text
}

fn statements(set: &backstitch_core::Set, id: &str, style: Style) -> String {
    let Some(migration) = set.get(id) else {
        return String::new();
    };
    let script = &migration.up;
    let mut text = format!("\n{}\n", paint(style, Dress::Bold, &format!("-- {id}")));
    for statement in &script.statements {
        let sql = statement.span.of(script.source.text()).trim_end();
        text += sql;
        text += if sql.ends_with(';') { "\n" } else { ";\n" };
    }
    text
}
