//! The statements of a section, one after the other.

use super::{Chain, Part, Played, setting};
use crate::diagnostic::{Section, Severity};
use crate::migration::{Check, Transaction};
use crate::sqlite::explain::{self};
use crate::sqlite::judge::{self, Verdict};
use crate::sqlite::refusal::{Reason, Refusal};
use crate::sqlite::stage::Stage;
use crate::sqlite::words::{self, Act, Line};

impl Chain<'_> {
    pub(super) fn play_checks(&mut self, stage: &Stage, up: Part<'_>, checks: &[Check]) -> Played {
        let mut played = Played::default();
        for check in checks {
            let text = up.migration.source().text();
            let line = words::line(text, &check.statement, self.set.dialect);
            let part = Part {
                section: Section::Check,
                ..up
            };
            if let Err(refusal) = stage.read(line.text)
                && let Verdict::Wrong(diagnostic) =
                    self.known.judge(stage, &refusal, &line, part, &played)
            {
                played.diagnostics.push(*diagnostic);
            }
        }
        played
    }

    pub(super) fn play_part(&mut self, stage: &Stage, part: Part<'_>, played: &mut Played) {
        let in_transaction = part.migration.transaction == Transaction::One;
        stage.begin(in_transaction);
        for line in part.lines {
            match line.act {
                Act::Control => {
                    if line.begins(&["ROLLBACK"]) {
                        played
                            .unknown
                            .push("it steers its own transaction".to_owned());
                    }
                    continue;
                }
                Act::Attach => {
                    played
                        .unknown
                        .push("it attaches another database".to_owned());
                    continue;
                }
                Act::Vacuum => continue,
                Act::Define | Act::Alter | Act::Data | Act::Pragma => {}
            }
            self.play_line(stage, part, line, played);
            if played.foreign_keys.is_some() {
                return;
            }
            if in_transaction && stage.is_autocommit() {
                played
                    .unknown
                    .push("SQLite gave up its transaction".to_owned());
                let rest = part.lines.iter().flat_map(|line| line.relations());
                played.unsure.extend(rest);
                break;
            }
        }
        if let Err(refusal) = stage.commit(part.lines)
            && let Some(line) = part.lines.last()
        {
            self.refused(stage, part, line, &refusal, played);
        }
    }

    fn play_line(&mut self, stage: &Stage, part: Part<'_>, line: &Line<'_>, played: &mut Played) {
        let (missed, result) = stage.play(&mut self.theatre, line);
        if let Some(name) = missed
            .first()
            .cloned()
            .or_else(|| self.theatre.stand_in_of(line))
        {
            played
                .unknown
                .push(format!("it needs `{name}`, which SQLite does not have"));
            played.are_rows_unsure = true;
            played
                .diagnostics
                .extend(judge::misspelt(&self.theatre, stage, part, line, &name));
        }
        if let Err(refusal) = result {
            self.refused(stage, part, line, &refusal, played);
        }
    }

    fn refused(
        &mut self,
        stage: &Stage,
        part: Part<'_>,
        line: &Line<'_>,
        refusal: &Refusal,
        played: &mut Played,
    ) {
        let is_for_foreign_keys = stage.has_foreign_keys()
            && match &refusal.reason {
                Reason::ForeignKeys => true,
                // SQLite looks for the other end of a foreign key.
                Reason::UnknownTable(name) => !line.mentions(&name.to_ascii_lowercase()),
                _ => false,
            };
        let verdict = self.known.judge(stage, refusal, line, part, played);
        match verdict {
            Verdict::Wrong(_) if is_for_foreign_keys => {
                let diagnostic = explain::foreign_keys(refusal).diagnostic(&setting(part), line);
                played.foreign_keys = Some(Box::new(diagnostic));
            }
            verdict => self.note(verdict, stage, line, played),
        }
    }

    /// A statement did not run: what it would have made or changed is not known any more.
    fn note(&self, verdict: Verdict, stage: &Stage, line: &Line<'_>, played: &mut Played) {
        match verdict {
            Verdict::Wrong(diagnostic) => {
                if diagnostic.severity != Severity::Error {
                    played.unknown.push(diagnostic.message.clone());
                }
                played.diagnostics.push(*diagnostic);
            }
            Verdict::Unknown(because) => played.unknown.push(because),
        }
        if line
            .names()
            .any(|name| name == "sqlite_master" || name == "sqlite_schema")
        {
            let all = self.catalogue.objects.keys().map(|key| key.name.clone());
            played.unsure.extend(all);
            played
                .unsure
                .extend(stage.objects().into_keys().map(|key| key.name));
        } else if line.act != Act::Data || line.begins(&["CREATE"]) {
            let known = line
                .names()
                .filter(|name| self.catalogue.relation(name).is_some());
            played.unsure.extend(known.chain(line.relations()));
        }
        played.are_rows_unsure = true;
    }
}
