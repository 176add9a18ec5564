//! What is wrong with an annotation, and how to write it.

use std::ops::Range;

use super::value::Bad;
use super::{
    Annotation, DANGLING, DUPLICATE, EMPTY, FORM, Given, HEADER_KEYS, Header, INVALID, Key,
    MISPLACED, MISSING, SYNONYMS, Shape, UNKNOWN, header_names, name_of_slug, statement_names,
};
use crate::diagnostic::{Diagnostic, Severity, did_you_mean};
use crate::source::{Source, Span};
use crate::split::Piece;

fn paste(key: &str, value: &str) -> String {
    format!("-- @{key}: {value}")
}

pub(super) fn unknown(
    source: &Source,
    annotation: &Annotation<'_>,
    names: Vec<&'static str>,
) -> Diagnostic {
    let key = annotation.key;
    let diagnostic = Diagnostic::error(UNKNOWN, format!("unknown annotation `@{key}`"))
        .why("An annotation that nobody reads would be a promise that nobody keeps.");
    match meant(key) {
        Some(meant) => diagnostic
            .at(
                source,
                annotation.key_span,
                format!("did you mean `@{meant}`?"),
            )
            .help(format!(
                "Write the key in full:\n{}",
                paste(meant, annotation.value).trim_end()
            )),
        None => {
            let names: Vec<String> = names.iter().map(|name| format!("@{name}")).collect();
            diagnostic
                .at(source, annotation.key_span, "not a key that is known here")
                .help(format!(
                    "The keys known here are {}. A comment that is not meant for backstitch goes \
                     without the `@`:\n-- {}: {}",
                    names.join(", "),
                    annotation.key,
                    annotation.value
                ))
        }
    }
}

/// The key that an unknown one was probably meant to be.
pub(super) fn meant(key: &str) -> Option<&'static str> {
    let synonym = || {
        let same = SYNONYMS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(key));
        same.map(|(_, meant)| *meant)
    };
    let all = header_names().into_iter().chain(statement_names());
    did_you_mean(key, all).or_else(synonym)
}

pub(super) fn duplicate(source: &Source, annotation: &Annotation<'_>, first: Span) -> Diagnostic {
    Diagnostic::error(DUPLICATE, format!("`@{}` is given twice", annotation.key))
        .at(source, annotation.span, "given again here")
        .at(source, first, "first given here")
        .why("Only one of the two can hold, and nothing says which.")
        .help("Delete one of the two lines.")
}

pub(super) fn malformed(source: &Source, annotation: &Annotation<'_>) -> Diagnostic {
    let key = annotation.key;
    let (message, label) = match annotation.shape {
        Shape::WithoutColon => (
            format!("`@{key}` has no colon"),
            "a colon must follow the key",
        ),
        Shape::Proper | Shape::OtherComment => (
            format!("`@{key}` stands in another kind of comment"),
            "only `--` comments are read",
        ),
    };
    let value = annotation.value.trim_start_matches(['=', '-', ' ']);
    Diagnostic::error(FORM, message)
        .at(source, annotation.key_span, label)
        .why("An annotation is a comment line of the form `-- @key: value`; others are prose.")
        .help(format!("Write it as:\n{}", paste(key, value).trim_end()))
}

pub(super) fn empty<T>(source: &Source, annotation: &Annotation<'_>, key: &Key<T>) -> Diagnostic {
    Diagnostic::error(EMPTY, format!("`@{}` has no value", key.name))
        .at(source, annotation.key_span, "nothing follows the colon")
        .why(format!("It takes {}.", key.takes))
        .help(format!("For example:\n{}", paste(key.name, key.example)))
}

pub(super) fn invalid<T>(source: &Source, key: &Key<T>, bad: Bad) -> Diagnostic {
    let (words, value) = match &bad.instead {
        Some(value) => ("Did you mean:", value.as_str()),
        None => ("For example:", key.example),
    };
    Diagnostic::error(
        INVALID,
        format!("`@{}` has a value that cannot be read", key.name),
    )
    .at(source, bad.span, bad.label)
    .why(format!("It takes {}.", key.takes))
    .help(format!("{words}\n{}", paste(key.name, value)))
}

/// One diagnostic for all that is missing, so that all of it can be pasted at once.
pub(super) fn missing(source: &Source, given: &Given, until: Span, id: &str) -> Option<Diagnostic> {
    let keys: Vec<&Key<Header>> = HEADER_KEYS
        .iter()
        .filter(|key| key.needed && !given.has(key.name))
        .collect();
    let (last, others) = keys.split_last()?;
    let others: Vec<String> = others
        .iter()
        .map(|key| format!("`@{}`", key.name))
        .collect();
    let message = match others.is_empty() {
        true => format!("`@{}` is missing", last.name),
        false => format!("{} and `@{}` are missing", others.join(", "), last.name),
    };
    let lines: Vec<String> = keys
        .iter()
        .map(|key| paste(key.name, &likely_value(key, id)))
        .collect();
    Some(
        Diagnostic::error(MISSING, message)
            .at(source, until, "the header ends here")
            .why(
                "Whoever decides at night whether to roll back reads the header first, and the \
                 database remembers it.",
            )
            .help(format!(
                "Add to the header and correct:\n{}",
                lines.join("\n")
            )),
    )
}

/// A valid value to begin with: from the file's name where it tells, otherwise the example.
fn likely_value(key: &Key<Header>, id: &str) -> String {
    let (version, slug) = id.split_once('_').unwrap_or(("", id));
    match key.name {
        "name" if !slug.is_empty() => name_of_slug(slug),
        "timestamp" => timestamp_of_version(version).unwrap_or(key.example.to_owned()),
        _ => key.example.to_owned(),
    }
}

/// `20260105100000` as `2026-01-05T10:00:00Z`.
fn timestamp_of_version(version: &str) -> Option<String> {
    if version.len() != 14 || !version.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: Range<usize>| &version[range];
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..12),
        part(12..14)
    );
    text.parse::<jiff::Timestamp>().is_ok().then_some(text)
}

pub(super) fn statement_key_in_header(source: &Source, annotation: &Annotation<'_>) -> Diagnostic {
    Diagnostic::error(
        MISPLACED,
        format!("`@{}` stands in the header", annotation.key),
    )
    .at(source, annotation.key_span, "belongs to one statement")
    .why("It is about one statement, and the header is about the whole migration.")
    .help(format!(
        "Move the line right above the statement that it is about:\n{}",
        paste(annotation.key, annotation.value).trim_end()
    ))
}

pub(super) fn header_key_in_section(source: &Source, annotation: &Annotation<'_>) -> Diagnostic {
    Diagnostic::error(
        MISPLACED,
        format!("`@{}` stands in a section", annotation.key),
    )
    .at(source, annotation.key_span, "belongs to the header")
    .why("It is about the whole migration, so it stands above the first section marker.")
    .help(format!(
        "Move the line to the head of the file:\n{}",
        paste(annotation.key, annotation.value).trim_end()
    ))
}

pub(super) fn header_key_without_effect(
    source: &Source,
    annotation: &Annotation<'_>,
) -> Diagnostic {
    Diagnostic::new(
        MISPLACED,
        Severity::Warn,
        format!(
            "`@{}` has no effect in a file of another tool",
            annotation.key
        ),
    )
    .at(source, annotation.key_span, "not read")
    .why("Only annotated files, with UP and DOWN in one file, have a header.")
    .help("Move to annotated files with `backstitch import`, or delete the line.")
}

pub(super) fn without_effect_on_check(
    source: &Source,
    annotation: &Annotation<'_>,
    piece: &Piece,
) -> Diagnostic {
    Diagnostic::error(
        MISPLACED,
        format!("`@{}` stands above a CHECK", annotation.key),
    )
    .at(source, annotation.key_span, "has no effect on a query")
    .at(
        source,
        source.first_line(piece.span),
        "this query only looks",
    )
    .why("A CHECK changes nothing: no rule speaks about it, and it runs once.")
    .help("Delete the line, or move it above the statement of the UP that it is about.")
}

pub(super) fn inside_statement(
    source: &Source,
    annotation: &Annotation<'_>,
    piece: &Piece,
) -> Diagnostic {
    Diagnostic::error(
        MISPLACED,
        format!("`@{}` stands inside a statement", annotation.key),
    )
    .at(source, annotation.key_span, "too late to be read")
    .at(
        source,
        source.first_line(piece.span),
        "the statement begins here",
    )
    .why("Annotations are read from the comment lines right above a statement.")
    .help(format!(
        "Move the line above the statement:\n{}",
        paste(annotation.key, annotation.value).trim_end()
    ))
}

pub(super) fn behind_statement(source: &Source, annotation: &Annotation<'_>) -> Diagnostic {
    Diagnostic::error(
        MISPLACED,
        format!("`@{}` stands behind a statement", annotation.key),
    )
    .at(source, annotation.key_span, "not on a line of its own")
    .why("It would count for the statement below, which a reader cannot tell.")
    .help(format!(
        "Put it on a line of its own, right above the statement that it is about:\n{}",
        paste(annotation.key, annotation.value).trim_end()
    ))
}

pub(super) fn dangling(source: &Source, annotation: &Annotation<'_>) -> Diagnostic {
    Diagnostic::error(
        DANGLING,
        format!("no statement follows `@{}`", annotation.key),
    )
    .at(
        source,
        annotation.key_span,
        "the section ends without another statement",
    )
    .why("The annotation is about the statement right below it, and there is none.")
    .help("Move the line right above the statement that it is about, or delete it.")
}
