//! What is said about a migration.

use super::later::Lacking;
use super::run::{Case, sections};
use super::{Difference, Leftover, Verdict, undo};
use crate::change::{self, SyntaxError};
use crate::diagnostic::{Diagnostic, Section};
use crate::migration::Script;
use crate::replay::Finding;
use crate::schema::print;
use crate::source::Span;

/// The way out where no reader knows what the engine does.
const UNCHECKED: &str =
    "If the engine does take it as it was, say so above the statement:\n-- @unchecked: <reason>";

/// The diagnostics of a migration that was replayed, and which of them are about what is not there.
pub(super) fn diagnose(case: &Case<'_>, verdict: &Verdict) -> (Vec<Diagnostic>, Vec<Lacking>) {
    let mut found = Vec::new();
    let mut lacking = Vec::new();
    for (section, script, ran) in sections(case) {
        for error in &ran.errors {
            found.push(syntax(case, script, error).section(section));
        }
        for (finding, statement) in &ran.findings {
            lacking.extend(finding.missing.clone().map(|missing| Lacking {
                missing,
                section,
                statement: *statement,
                at: found.len(),
            }));
            found.push(
                match section {
                    Section::Down => invalid_down(script, finding, *statement),
                    _ => refused(script, finding),
                }
                .section(section),
            );
        }
    }
    match verdict {
        Verdict::Broken(leftovers) => {
            found.extend(leftovers.iter().map(|left| incomplete(case, left)));
            if let Some(first) = found
                .iter_mut()
                .find(|found| found.code == "rollback-incomplete")
                && let Some(down) = undo::whole_down(case)
            {
                first.help = format!("{}\nThe whole DOWN:\n{down}", first.help)
                    .trim_start()
                    .to_owned();
            }
        }
        Verdict::Missing => found.push(missing(case)),
        Verdict::Proven | Verdict::Unproven(_) | Verdict::Irreversible => {}
    }
    for diagnostic in &mut found {
        diagnostic.migration = Some(case.migration.id.clone());
    }
    (found, lacking)
}

fn syntax(case: &Case<'_>, script: &Script, error: &SyntaxError) -> Diagnostic {
    let engine = case.schema.dialect().title();
    if let Some(mended) = mended(case, script, error) {
        return mended;
    }
    let place = next_word(script, error.span);
    // What was found there instead stands above the caret.
    let message = error.message.split(", found ").next().unwrap_or_default();
    let label = match place.is_empty() {
        true => "the statement ends too early",
        false => "not expected here",
    };
    Diagnostic::error(
        "syntax-error",
        format!("{engine} does not read this: {message}"),
    )
    .at(&script.source, place, label)
    .why("The engine refuses the statement, and with it the migration.")
    .help(format!("Correct it.\n{UNCHECKED}"))
}

/// A mistake of one token, with what it should be.
fn mended(case: &Case<'_>, script: &Script, error: &SyntaxError) -> Option<Diagnostic> {
    let dialect = case.schema.dialect();
    let text = script.source.text();
    let statements = script.statements.iter().map(|statement| statement.span);
    let whole = statements
        .filter(|span| span.start <= error.span.start)
        .max_by_key(|span| span.start)?;
    let mend = change::mend(text, whole, dialect, error)?;
    let taken = mend.span.of(text).trim();
    let (message, place, label) = match (taken, mend.text.as_str()) {
        ("", forgotten) => (
            format!("a `{forgotten}` is missing"),
            next_word(script, mend.span),
            format!("expected `{forgotten}` before this"),
        ),
        (taken, "") => (
            format!("a `{taken}` is one too many"),
            mend.span,
            "not expected here".to_owned(),
        ),
        (taken, meant) => (
            format!("unknown word `{taken}`"),
            mend.span,
            format!("did you mean `{meant}`?"),
        ),
    };
    let (from, to) = (whole.range(), mend.span.range());
    let line = from.start
        + text[from.start..to.start]
            .rfind('\n')
            .map_or(0, |at| at + 1);
    let behind = match text[to.end..from.end].find('\n') {
        Some(end) => &text[to.end..to.end + end],
        None => &text[to.end..from.end + usize::from(text[from.end..].starts_with(';'))],
    };
    let right = [
        text[line..to.start].trim_start(),
        &mend.text,
        behind.trim_end(),
    ];
    Some(
        Diagnostic::error(
            "syntax-error",
            format!("{} does not read this: {message}", dialect.title()),
        )
        .at(&script.source, place, label)
        .why("The engine refuses the statement, and with it the migration.")
        .help(format!("Write:\n{}\n{UNCHECKED}", right.concat())),
    )
}

/// The word that begins at a place or behind the blanks there, as far as the statement goes.
fn next_word(script: &Script, place: Span) -> Span {
    let text = script.source.text();
    let whole = script.statements.iter().map(|statement| statement.span);
    let end = whole
        .filter(|whole| whole.start <= place.start)
        .map(|whole| whole.end as usize)
        .max()
        .unwrap_or(text.len());
    let rest = &text[place.range().start.min(end)..end];
    let start = end - rest.trim_start().len();
    let word = &text[start..end];
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let letters: usize = word
        .chars()
        .take_while(|c| is_inside(*c))
        .map(char::len_utf8)
        .sum();
    let one = word.chars().next().map_or(0, char::len_utf8);
    Span::new(start..start + letters.max(one))
}

fn refused(script: &Script, finding: &Finding) -> Diagnostic {
    Diagnostic::error(finding.code, finding.message.clone())
        .at(&script.source, finding.span, "")
        .why(finding.why.clone())
        .help(finding.help.clone())
}

fn invalid_down(script: &Script, finding: &Finding, statement: Span) -> Diagnostic {
    Diagnostic::error(
        "rollback-invalid",
        format!("the DOWN cannot run: {}", finding.message),
    )
    .at(&script.source, finding.span, finding.code)
    .at(&script.source, statement, "this statement fails")
    .why(finding.why.clone())
    .help(finding.help.clone())
}

fn incomplete(case: &Case<'_>, left: &Leftover) -> Diagnostic {
    let before = case.schema.touched(case.start);
    let object = case
        .schema
        .get(&left.key)
        .or_else(|| before.get(&left.key)?.as_ref())
        .map_or("object", |object| print::word(&object.body));
    let what = match left.part.is_empty() {
        true => format!("{object} `{}`", left.key.name),
        false => format!("{} of `{}`", left.part, left.key.name),
    };
    let message = match &left.difference {
        Difference::NotUndone => format!("the DOWN leaves {what} behind"),
        Difference::NotRestored => format!("the DOWN does not bring back {what}"),
        Difference::Restored {
            attribute,
            before,
            after,
        } => format!("the DOWN restores {what} with another {attribute}: {after}, not {before}"),
    };
    let mut diagnostic = Diagnostic::error("rollback-incomplete", message);
    if let Some(down) = &case.migration.down {
        let place = left
            .undone_by
            .unwrap_or_else(|| Span::new(down.span.range().end..down.span.range().end));
        diagnostic = diagnostic.at(&down.source, place, "it should be undone here");
    }
    if let Some(made_by) = left.made_by {
        diagnostic = diagnostic.at(
            &case.migration.up.source,
            made_by,
            "changed by this statement",
        );
    }
    let help = match left.undo.is_empty() {
        true => String::new(),
        false => format!("Add to the DOWN:\n{}", left.undo.join("\n")),
    };
    diagnostic
        .why("After UP and DOWN the schema must be what it was.")
        .help(help)
        .section(Section::Down)
}

fn missing(case: &Case<'_>) -> Diagnostic {
    let up = &case.migration.up;
    Diagnostic::error("rollback-missing", "there is no way back")
        .at(&up.source, first_line(up), "this is not undone")
        .why("The UP changes the schema, and nothing takes that back.")
        .help(match undo::whole_down(case) {
            Some(down) => format!("Add:\n-- DOWN MIGRATION\n{down}"),
            None => {
                "Write a DOWN, or say why there is none with `-- @irreversible: reason`.".to_owned()
            }
        })
        .section(Section::Up)
}

fn first_line(script: &Script) -> Span {
    script
        .statements
        .first()
        .map_or(script.span, |statement| statement.span)
}
