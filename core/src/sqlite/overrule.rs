//! Where SQLite itself has spoken, the model gives way.
//!
//! What runs on SQLite is no error, whatever the model thinks, and what gives back its schema is
//! proven, whether the model reads every statement or not. Rules speak of rows that production has,
//! so they keep their say.

use std::collections::HashMap;

use super::{Outcome, Rehearsal, rehearse};
use crate::diagnostic::{Diagnostic, Severity};
use crate::dialect::Family;
use crate::options::Options;
use crate::proof::{Checked, EXTERNAL_STALE, Verdict, of_step};
use crate::rule;
use crate::set::Set;

/// What is said of a statement that the model does not read.
const OPAQUE_STATEMENT: &str = "opaque-statement";

/// What is said of a way back that the model could not prove.
const UNPROVEN_ROLLBACK: &str = "unproven-rollback";

/// Plays `set` if it is one for SQLite, and corrects what the model has found out about it.
pub fn overrule(checked: &mut Checked, set: &Set, options: &Options) {
    if set.dialect.modelling().family != Family::Sqlite {
        return;
    }
    let ids = set.migrations.iter().map(|migration| &*migration.id);
    let played: HashMap<&str, Rehearsal> = ids.zip(rehearse(set, options)).collect();
    for migration in &set.migrations {
        let proof = checked.proofs.get_mut(&migration.id);
        let (Some(proof), Some(rehearsal)) = (proof, played.get(&*migration.id)) else {
            continue;
        };
        proof.verdict = verdict(proof.verdict.clone(), &rehearsal.outcome);
        if let (Some(step), Verdict::Proven) = (&migration.step, &proof.verdict) {
            // SQLite has played the statements without it.
            proof.verdict = Verdict::Unproven(vec![of_step(step)]);
        }
        if rehearsal.outcome == Outcome::Missing {
            proof.suggestion.clone_from(&rehearsal.suggestion);
        }
    }
    let stays = |found: &Diagnostic| {
        let id = found.migration.as_deref().unwrap_or_default();
        let Some(rehearsal) = played.get(id) else {
            return true;
        };
        match rehearsal.outcome {
            Outcome::Unknown(_) => true,
            _ if found.code == EXTERNAL_STALE => true,
            // SQLite has seen what it does.
            _ if found.code == OPAQUE_STATEMENT => false,
            _ if found.code == UNPROVEN_ROLLBACK => {
                let verdict = checked.proofs.get(id).map(|proof| &proof.verdict);
                matches!(verdict, Some(Verdict::Unproven(_)))
            }
            _ => is_of_rules(found),
        }
    };
    checked.diagnostics.retain(stays);
    let mut found = Vec::new();
    for Rehearsal {
        outcome,
        mut diagnostics,
        ..
    } in played.into_values()
    {
        // What is not certain is no error, and what the model has said already is said.
        if matches!(outcome, Outcome::Unknown(_)) {
            diagnostics.retain(|one| {
                one.severity < Severity::Error && !is_among(one, &checked.diagnostics)
            });
        }
        found.extend(diagnostics);
    }
    rule::settle(set, options, &mut found);
    checked.diagnostics.extend(found);
}

fn is_among(found: &Diagnostic, others: &[Diagnostic]) -> bool {
    let mut others = others.iter();
    others.any(|other| {
        let same = other.migration == found.migration && other.code == found.code;
        same && other.position() == found.position() && other.path() == found.path()
    })
}

fn verdict(of_model: Verdict, outcome: &Outcome) -> Verdict {
    match (outcome, of_model) {
        // What only the application knows, such as its functions, may fail there.
        (Outcome::Unknown(why), Verdict::Proven) => Verdict::Unproven(vec![why.clone()]),
        (Outcome::Unknown(_), of_model) => of_model,
        (Outcome::Reverts | Outcome::ColumnOrderOnly, Verdict::Broken(_)) => {
            let why = "SQLite gives back the schema, and the model does not see how";
            Verdict::Unproven(vec![why.to_owned()])
        }
        (Outcome::Reverts | Outcome::ColumnOrderOnly, Verdict::Proven | Verdict::Unproven(_)) => {
            Verdict::Proven
        }
        // Nothing in the schema has to be given back.
        (
            Outcome::Reverts | Outcome::ColumnOrderOnly,
            of_model @ (Verdict::Missing | Verdict::Irreversible),
        ) => of_model,
        (Outcome::Broken(_) | Outcome::DownFails, Verdict::Broken(leftovers)) => {
            Verdict::Broken(leftovers)
        }
        (Outcome::Broken(_) | Outcome::DownFails, _) => Verdict::Broken(Vec::new()),
        (Outcome::UpFails, _) => Verdict::Unproven(vec!["its UP does not run".to_owned()]),
        (Outcome::Missing, _) => Verdict::Missing,
        (Outcome::Irreversible, _) => Verdict::Irreversible,
    }
}

fn is_of_rules(found: &Diagnostic) -> bool {
    rule::find(found.code).is_some() || found.code.starts_with("allow-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::source::Source;
    use crate::{migration, proof};

    fn set(migrations: &[(&str, &str)]) -> Set {
        let migrations = migrations.iter().enumerate().map(|(at, (up, down))| {
            let id = format!("{:04}_step", at + 1);
            let text = format!("-- UP MIGRATION\n{up}\n-- DOWN MIGRATION\n{down}");
            let source = Source::new(format!("{id}.sql"), text);
            let (migration, _) = migration::parse(&id, &source, Dialect::Sqlite);
            migration.expect("a migration")
        });
        Set::new(Dialect::Sqlite, migrations.collect()).0
    }

    /// The word about the last migration, and the codes of all errors.
    #[track_caller]
    fn check(migrations: &[(&str, &str)], word: &str, codes: &[&str]) {
        let set = set(migrations);
        let mut checked = proof::check(&set, &Options::default());
        overrule(&mut checked, &set, &Options::default());
        let last = checked.proofs.values().next_back().expect("a proof");
        assert_eq!(last.verdict.name(), word, "{:#?}", checked.diagnostics);
        assert_eq!(errors(&checked), codes, "{:#?}", checked.diagnostics);
    }

    fn errors(checked: &Checked) -> Vec<&str> {
        let errors = checked.diagnostics.iter();
        let errors = errors.filter(|one| one.severity == Severity::Error);
        errors.map(|one| one.code).collect()
    }

    #[test]
    fn what_sqlite_takes_back_is_proven() {
        check(&[("CREATE TABLE a (b);", "DROP TABLE a;")], "proven", &[]);
        let unchecked = "-- @unchecked: a test\nCREATE TABLE a (b);";
        check(&[(unchecked, "DROP TABLE a;")], "proven", &[]);
    }

    #[test]
    fn what_only_the_application_knows_is_not_proven() {
        let up = "CREATE TABLE a (b);\nINSERT INTO a VALUES (of_the_application());";
        check(&[(up, "DROP TABLE a;")], "unproven", &[]);
    }

    #[test]
    fn what_may_be_wrong_is_a_warning() {
        for (up, code) in [
            (
                "CREATE TABLE a (b);\nINSERT INTO a VALUES (lenght('x'));",
                "unknown-function",
            ),
            (
                "DELETE FROM strangers;\nCREATE TABLE a (b);",
                "unknown-table",
            ),
        ] {
            let set = set(&[(up, "DROP TABLE a;")]);
            let mut checked = proof::check(&set, &Options::default());
            overrule(&mut checked, &set, &Options::default());
            assert_eq!(errors(&checked), [""; 0], "{up}");
            let codes = checked
                .diagnostics
                .iter()
                .map(|one| (one.code, one.severity));
            let codes: Vec<_> = codes.filter(|(one, _)| *one == code).collect();
            assert_eq!(codes, [(code, Severity::Warn)], "{up}");
        }
    }

    #[test]
    fn what_sqlite_refuses_is_told_once() {
        for (down, code) in [
            ("DROP TABLE c;", "rollback-invalid"),
            ("SELECT 1;", "rollback-incomplete"),
        ] {
            check(&[("CREATE TABLE a (b);", down)], "broken", &[code]);
        }
    }

    #[test]
    fn errors_of_the_model_alone_are_none_and_rules_keep_their_say() {
        let set = set(&[
            ("CREATE TABLE a (b);", "DROP TABLE a;"),
            ("DROP TABLE a;", "CREATE TABLE a (b);"),
        ]);
        let mut checked = proof::check(&set, &Options::default());
        let mut wrong = Diagnostic::error("unknown-table", "there is no table `a`");
        wrong.migration = Some("0002_step".to_owned());
        checked.diagnostics.push(wrong);
        overrule(&mut checked, &set, &Options::default());
        assert_eq!(errors(&checked), [""; 0]);
        let mut codes = checked.diagnostics.iter().map(|one| one.code);
        assert!(codes.any(|code| code == "drop-table-loses-data"));
    }
}
