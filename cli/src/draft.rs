//! A migration that is being written: its header and its DOWN are filled in as far as the proof
//! knows them.
//!
//! What is filled in is checked again: a DOWN is only kept when the proof says that it gives back
//! the schema.

use std::collections::HashMap;

use backstitch_core::migration::{self, Migration, Phase};
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Verdict};
use backstitch_core::source::Source;
use backstitch_core::{Diagnostic, Dialect, Set, Severity, sqlite};

/// So often what was filled in is looked at again.
const ROUNDS: usize = 8;
/// What stands above a DOWN in the help of the proof.
const MARKER: &str = "-- DOWN MIGRATION\n";
/// A DOWN that undoes nothing, so that the engine says what is missing.
const NOTHING: &str = "SELECT 1;\n";

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) timestamp: String,
    pub(crate) phase: Option<Phase>,
    /// As it was given, byte for byte.
    pub(crate) up: String,
    pub(crate) down: Down,
    pub(crate) rollback_safe: bool,
    pub(crate) impact: Option<&'static str>,
    pub(crate) is_outside_transaction: bool,
    pub(crate) is_without_foreign_keys: bool,
    /// What to write where no way back is known.
    pub(crate) irreversible: Option<String>,
}

/// The way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Down {
    /// Not known yet.
    #[default]
    Unknown,
    /// As it was given, byte for byte.
    Given(String),
    /// Suggested by the proof.
    Suggested(String),
    /// The engine is asked by one that undoes nothing.
    Asked,
    /// Nobody knows one.
    None,
}

/// What the proof says at last.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The word of the verdict.
    pub(crate) proof: &'static str,
    /// The errors, but for a missing way back.
    pub(crate) errors: Vec<Diagnostic>,
}

impl Draft {
    /// The file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("-- @name: {}\n", self.name);
        let mut say = |key: &str, value: &str| text += &format!("-- @{key}: {value}\n");
        say("description", &self.description);
        say("timestamp", &self.timestamp);
        let is_irreversible = self.down == Down::None && self.irreversible.is_some();
        let is_safe = self.rollback_safe && !is_irreversible;
        say("rollbackSafe", if is_safe { "true" } else { "false" });
        if let Some(impact) = self.impact {
            say("performanceImpact", impact);
        }
        match self.phase {
            Some(Phase::Expand) => say("phase", "expand"),
            Some(Phase::Contract) => say("phase", "contract"),
            None => {}
        }
        if self.is_outside_transaction {
            say("transaction", "false");
        }
        if self.is_without_foreign_keys {
            say("foreignKeys", "off");
        }
        if let (Down::None, Some(reason)) = (&self.down, &self.irreversible) {
            say("irreversible", reason);
        }
        text += "\n-- UP MIGRATION (forward changes)\n";
        text += &self.up;
        let down = match &self.down {
            Down::Given(down) | Down::Suggested(down) => Some(down.as_str()),
            Down::Asked => Some(NOTHING),
            Down::None if self.irreversible.is_none() => Some(""),
            Down::None | Down::Unknown => None,
        };
        if let Some(down) = down {
            text += if self.up.ends_with('\n') {
                "\n"
            } else {
                "\n\n"
            };
            text += "-- DOWN MIGRATION (rollback changes)\n";
            text += down;
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// Takes in what was found. Whether that changes it.
    fn learn(&mut self, proof: Option<&Verdict>, found: &[&Diagnostic]) -> bool {
        let before = self.clone();
        for diagnostic in found {
            match diagnostic.code {
                "rollback-lossy" => self.rollback_safe = false,
                "performance-impact-understated" => {
                    let words = ["high", "medium"];
                    self.impact = words
                        .into_iter()
                        .find(|word| diagnostic.help.ends_with(word));
                }
                "not-in-transaction" => self.is_outside_transaction = true,
                _ => {}
            }
        }
        let suggested = found.iter().find_map(|one| suggestion(&one.help));
        self.down = match (std::mem::take(&mut self.down), suggested) {
            (Down::Unknown | Down::Asked, Some((down, off))) => {
                self.is_without_foreign_keys |= off;
                Down::Suggested(down)
            }
            (Down::Unknown, None) if proof != Some(&Verdict::Irreversible) => Down::Asked,
            // Nothing to undo is undone by nothing, but people should see that for themselves.
            (Down::Unknown | Down::Asked, None) => Down::None,
            (Down::Suggested(_), _) if proof != Some(&Verdict::Proven) => Down::None,
            (known, _) => known,
        };
        before.down != self.down
            || before.rollback_safe != self.rollback_safe
            || before.impact != self.impact
            || before.is_outside_transaction != self.is_outside_transaction
    }
}

/// Fills in what can be known, behind the migrations that are there already, and judges the result.
pub(crate) fn complete(
    before: &[Migration],
    drafts: &mut [Draft],
    dialect: Dialect,
    options: &Options,
) -> HashMap<String, Judged> {
    let mut judged = HashMap::new();
    for _ in 0..ROUNDS {
        let (checked, read) = judge(before, drafts, dialect, options);
        let mut is_settled = true;
        for draft in drafts.iter_mut() {
            let of_it = |one: &&Diagnostic| one.migration.as_ref() == Some(&draft.id);
            let found: Vec<&Diagnostic> = read
                .iter()
                .chain(&checked.diagnostics)
                .filter(of_it)
                .collect();
            let proof = checked.proofs.get(&draft.id).map(|proof| &proof.verdict);
            let errors = found
                .iter()
                .filter(|one| one.severity == Severity::Error && one.code != "rollback-missing");
            let errors = errors.map(|one| (*one).clone()).collect();
            let proof_name = proof.map_or("unproven", Verdict::name);
            let one = Judged {
                proof: proof_name,
                errors,
            };
            judged.insert(draft.id.clone(), one);
            is_settled &= !draft.learn(proof, &found);
        }
        if is_settled {
            break;
        }
    }
    judged
}

fn judge(
    before: &[Migration],
    drafts: &[Draft],
    dialect: Dialect,
    options: &Options,
) -> (Checked, Vec<Diagnostic>) {
    let mut all = before.to_vec();
    let mut found = Vec::new();
    for draft in drafts {
        let source = Source::new(format!("{}.sql", draft.id), draft.text());
        let (migration, diagnostics) = migration::parse(&draft.id, &source, dialect);
        found.extend(diagnostics);
        all.extend(migration);
    }
    let (set, diagnostics) = Set::new(dialect, all);
    found.extend(diagnostics);
    let mut checked = proof::check(&set, options);
    sqlite::overrule(&mut checked, &set, options);
    (checked, found)
}

/// The DOWN in a help text, and whether it wants foreign keys to be off.
fn suggestion(help: &str) -> Option<(String, bool)> {
    let (head, down) = help.split_once(MARKER)?;
    let is_real = !down.trim().is_empty() && !down.contains("<statements>");
    let down = format!("{}\n", down.trim_end());
    is_real.then(|| (down, head.contains("@foreignKeys: off")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(engine: &str, up: &str, expected: &str) {
        let dialect = Dialect::from_name(engine).expect("an engine");
        let source = "CREATE TABLE users (id INTEGER PRIMARY KEY, login VARCHAR(40) NOT NULL);";
        let draft = |id: &str, up: &str| Draft {
            id: id.to_owned(),
            name: "Name".to_owned(),
            description: "Description.".to_owned(),
            timestamp: "2026-01-05T10:00:00Z".to_owned(),
            up: format!("{up}\n"),
            rollback_safe: true,
            ..Draft::default()
        };
        let mut drafts = [draft("0001_users", source), draft("0002_next", up)];
        complete(&[], &mut drafts, dialect, &Options::default());
        let text = drafts[1].text();
        let (_, tail) = text
            .split_once("@timestamp: 2026-01-05T10:00:00Z\n")
            .expect("a header");
        let (head, rest) = tail.split_once("\n-- UP MIGRATION").expect("an UP");
        let (_, down) = rest.split_once("(rollback changes)\n").unwrap_or_default();
        assert_eq!(format!("{head}{down}"), expected, "{text}");
        assert!(text.contains(up), "{text}");
    }

    #[test]
    fn the_header_and_the_way_back_are_filled_in() {
        for engine in ["postgres", "mysql", "sqlite"] {
            check(
                engine,
                "ALTER TABLE users ADD COLUMN email VARCHAR(80);",
                "-- @rollbackSafe: true\nALTER TABLE users DROP COLUMN email;\n",
            );
        }
        check(
            "postgres",
            "CREATE INDEX CONCURRENTLY users_login ON users (login);",
            "-- @rollbackSafe: true\n-- @transaction: false\nDROP INDEX users_login;\n",
        );
        check(
            "postgres",
            "ALTER TABLE users DROP COLUMN login;",
            "-- @rollbackSafe: false\nALTER TABLE users ADD COLUMN login character varying(40) NOT NULL;\n",
        );
        // Which rows an UPDATE has changed, nobody knows afterwards.
        check(
            "postgres",
            "UPDATE users SET login = lower(login);",
            "-- @rollbackSafe: false\n",
        );
    }
}
