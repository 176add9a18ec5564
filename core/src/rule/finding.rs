//! What a rule finds, before it is decided what becomes of it.

use super::situation::Situation;
use super::{Group, Rule};
use crate::change::Name;
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::schema::{Key, Schema};
use crate::source::Span;

/// Where in a migration a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// UP or DOWN.
    pub(crate) section: Section,
    /// Which of its statements.
    pub(crate) index: usize,
}

/// How sure a rule is of itself, compared with its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Good to know, whatever the level.
    Remark,
    /// The level of the rule.
    Usual,
    /// The engine will refuse it, or the header says the opposite.
    Certain,
}

/// What the engine does while others wait, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// It changes its catalogue.
    Lock,
    /// It reads the table.
    Scan,
    /// It builds an index.
    Build,
    /// It copies the table.
    Copy,
    /// It writes the table and its indexes anew.
    Rewrite,
}

/// What has to be so at the end of all migrations for a finding to count.
#[derive(Clone, Debug)]
pub(crate) struct Lasting {
    pub(crate) test: fn(&Schema, &Key, &[Name]) -> bool,
    pub(crate) table: Key,
    /// Columns, or the name of an index.
    pub(crate) names: Vec<Name>,
}

impl Lasting {
    pub(crate) fn holds(&self, schema: &Schema) -> bool {
        (self.test)(schema, &self.table, &self.names)
    }
}

/// What a rule finds.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) place: Place,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) strength: Strength,
    /// The table that others wait for.
    pub(crate) table: Option<Key>,
    /// What they wait for.
    pub(crate) work: Option<Work>,
    /// What has to be so at the end of all migrations for it to count.
    pub(crate) lasting: Option<Lasting>,
    label: String,
    also: Vec<(Span, String)>,
    why: String,
    help: String,
}

impl Finding {
    /// A finding about these words of a statement.
    pub(crate) fn new(place: Place, span: Span, message: impl Into<String>) -> Finding {
        Finding {
            place,
            span,
            message: message.into(),
            strength: Strength::Usual,
            table: None,
            work: None,
            lasting: None,
            label: String::new(),
            also: Vec::new(),
            why: String::new(),
            help: String::new(),
        }
    }

    /// What stands beside the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Finding {
        self.label = label.into();
        self
    }

    /// Another place that belongs to it, in the same file.
    pub(crate) fn also(mut self, span: Span, label: impl Into<String>) -> Finding {
        self.also.push((span, label.into()));
        self
    }

    /// Why it hurts.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Finding {
        self.why = why.into();
        self
    }

    /// What to write instead.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = help.into();
        self
    }

    /// How sure it is.
    pub(crate) fn strength(mut self, strength: Strength) -> Finding {
        self.strength = strength;
        self
    }

    /// That others wait for this `work` on `table`.
    pub(crate) fn blocks(mut self, table: &Key, work: Work) -> Finding {
        self.table = Some(table.clone());
        self.work = Some(work);
        self
    }

    /// That it counts only if `test` holds at the end of all migrations.
    pub(crate) fn if_still(
        mut self,
        test: fn(&Schema, &Key, &[Name]) -> bool,
        table: &Key,
        names: Vec<Name>,
    ) -> Finding {
        self.lasting = Some(Lasting {
            test,
            table: table.clone(),
            names,
        });
        self
    }

    /// Whether the other one need not be told since this one says more: a statement gets one
    /// finding for each table that others wait for. Of equals the earlier stands.
    pub(crate) fn outdoes(&self, other: &Finding, is_earlier: bool) -> bool {
        let (Some(work), Some(other_work)) = (self.work, other.work) else {
            return false;
        };
        let same = self.place == other.place && self.table == other.table;
        // Two columns of one statement are two things to repair.
        let apart = work == other_work && self.span != other.span;
        same && !apart && (work > other_work || (work == other_work && is_earlier))
    }

    /// The finding as people read it.
    pub(crate) fn to_diagnostic(
        &self,
        rule: &Rule,
        severity: Severity,
        situation: &Situation<'_>,
    ) -> Diagnostic {
        let source = situation.source(self.place.section);
        let mut diagnostic = Diagnostic::new(rule.code, severity, &self.message)
            .at(source, source.first_line(self.span), &self.label)
            .why(&self.why)
            .help(self.whole_help(rule))
            .section(self.place.section);
        for (span, label) in &self.also {
            diagnostic = diagnostic.at(source, *span, label);
        }
        diagnostic.migration = Some(situation.migration.id.clone());
        diagnostic
    }

    /// A contradiction has to be solved; anything else can be meant.
    fn whole_help(&self, rule: &Rule) -> String {
        let must = self.strength == Strength::Certain || rule.group == Group::Metadata;
        match must {
            true => self.help.clone(),
            false => format!(
                "{}\nIf it is meant, say why above the statement:\n-- @allow: {} (<reason>)",
                self.help, rule.code
            ),
        }
    }
}
