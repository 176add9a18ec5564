//! Diagnostics as people and programs read them.
//!
//! One renderer serves the compile errors of the macro and the terminal of the command line.
//! [`Finding`] is the same as a stable record for `--format json`.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Label, Section, Severity};
use crate::source::Source;

/// How a text is to be dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text: compile errors, files, pipes.
    Plain,
    /// With the colours of a terminal.
    Ansi,
}

/// One diagnostic as text, ending in a line end.
///
/// ```text
/// error[annotation-unknown]: unknown annotation `@nmae`
///  --> migrations/0003_add_user_email.sql:1:4
///   |
/// 1 | -- @nmae: Add user e-mail
///   |    ^^^^^ did you mean `@name`?
///   |
///   = why: An annotation that nobody reads would be a promise that nobody keeps.
///   = help: Write the key in full:
///           -- @name: Add user e-mail
/// ```
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warn => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(clean(&diagnostic.message))
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    for labels in by_source(&diagnostic.labels) {
        group = add_source(group, &labels, &diagnostic.labels[0]);
    }
    if !diagnostic.why.is_empty() {
        let why = Level::NOTE.with_name("why");
        group = group.element(why.message(clean(&diagnostic.why)));
    }
    if !diagnostic.help.is_empty() {
        group = group.element(Level::HELP.message(clean(&diagnostic.help)));
    }
    let text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if diagnostic.labels.is_empty() {
        // The bar leads from a place to what is said of it.
        let bar = diagnostic.message.lines().count().max(1);
        if lines.get(bar).is_some_and(|line| is_bar(line)) {
            lines.remove(bar);
        }
    }
    lines.join("\n") + "\n"
}

/// All of them, an empty line after each, and the [`summary`]. Nothing for no diagnostics.
pub fn render_all(diagnostics: &[Diagnostic], style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text += &render(diagnostic, style);
        text.push('\n');
    }
    let summary = summary(diagnostics);
    if !summary.is_empty() {
        text += &summary;
        text.push('\n');
    }
    text
}

/// `2 errors, 1 warning`; empty when there is nothing to count.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity, one: &str, many: &str| {
        let count = diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count();
        match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        }
    };
    let parts = [
        count(Severity::Error, "error", "errors"),
        count(Severity::Warn, "warning", "warnings"),
        count(Severity::Info, "remark", "remarks"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// One diagnostic as `--format json` shows it. Fields are added, never renamed or taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable code.
    pub code: String,
    /// What happens because of it.
    pub severity: Severity,
    /// The id of the migration, where one is known.
    pub migration: Option<String>,
    /// The file, where it is about one.
    pub path: Option<String>,
    /// The line, from one.
    pub line: Option<u32>,
    /// The column in characters, from one.
    pub column: Option<u32>,
    /// The part of the file, where one is known.
    pub section: Option<Section>,
    /// What is wrong.
    pub message: String,
    /// Why it matters; may be empty.
    pub why: String,
    /// What to do; may be empty.
    pub help: String,
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Finding {
        let position = diagnostic.position();
        Finding {
            code: diagnostic.code.to_owned(),
            severity: diagnostic.severity,
            migration: diagnostic.migration.clone(),
            path: diagnostic.path().map(str::to_owned),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            section: diagnostic.section,
            message: diagnostic.message.clone(),
            why: diagnostic.why.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

/// The labels of each file, the file of the first label first.
fn by_source(labels: &[Label]) -> Vec<Vec<&Label>> {
    let mut groups: Vec<Vec<&Label>> = Vec::new();
    for label in labels {
        match groups
            .iter_mut()
            .find(|group| group[0].source == label.source)
        {
            Some(group) => group.push(label),
            None => groups.push(vec![label]),
        }
    }
    groups
}

fn add_source<'a>(group: Group<'a>, labels: &[&'a Label], primary: &Label) -> Group<'a> {
    let source = &labels[0].source;
    if source.text().is_empty() {
        return group.element(Origin::path(source.path()));
    }
    let ranges = labels.iter().map(|label| drawable(source, label));
    let window = window(source, ranges.clone());
    let annotations = labels.iter().zip(ranges).map(|(label, range)| {
        let kind = match std::ptr::eq(*label, primary) {
            true => AnnotationKind::Primary,
            false => AnnotationKind::Context,
        };
        let range = range.start - window.start..range.end - window.start;
        let text = (!label.text.is_empty()).then(|| clean(&label.text));
        let annotation: Annotation<'a> = kind.span(range).label(text);
        annotation
    });
    let begins = source.position(window.start);
    let snippet = Snippet::source(&source.text()[window.clone()])
        .line_start(begins.line as usize)
        .annotations(annotations);
    if begins.column == 1 {
        return group.element(snippet.path(source.path()));
    }
    // The beginning of the line is left out, so that columns cannot be counted from it.
    let label = labels.iter().find(|label| std::ptr::eq(**label, primary));
    let place = source.position(drawable(source, label.unwrap_or(&labels[0])).start);
    let origin = Origin::path(source.path())
        .line(place.line as usize)
        .char_column(place.column as usize);
    group.element(origin).element(snippet)
}

/// What can be underlined of a label: its part on the first line, behind a byte order mark.
fn drawable(source: &Source, label: &Label) -> Range<usize> {
    let text = source.text();
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let start = floor(text, label.span.start as usize).max(mark);
    let end = floor(text, label.span.end as usize).max(start);
    let line = text[start..end].find(['\r', '\n']).unwrap_or(end - start);
    start..start + line
}

/// The beginning of the character at this byte.
fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// So many bytes of a line are drawn before what is underlined and behind it. People see fewer, and
/// a line may have as many findings as bytes.
const REACH: usize = 1_000;

/// The lines from the first label to the last, as far as they reach.
fn window(source: &Source, ranges: impl Iterator<Item = Range<usize>>) -> Range<usize> {
    let text = source.text();
    let all = ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
    let all = all.unwrap_or_default();
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let start = text[..all.start]
        .rfind('\n')
        .map_or(mark, |newline| newline + 1);
    let end = text[all.end..]
        .find('\n')
        .map_or(text.len(), |newline| all.end + newline);
    let start = start.max(floor(text, all.start.saturating_sub(REACH)));
    let end = floor(text, end.min(all.end + REACH));
    start
        ..all
            .end
            .max(start + text[start..end].trim_end_matches('\r').len())
}

/// Whether nothing but a bar stands there, in whatever colour.
fn is_bar(line: &str) -> bool {
    let mut rest = line.trim();
    while let Some((_, behind)) = rest
        .split_once("\x1b[")
        .filter(|(before, _)| before.is_empty())
    {
        rest = behind.split_once('m').map_or("", |(_, text)| text);
    }
    let text = rest.split('\x1b').next().unwrap_or_default();
    text.trim() == "|"
}

/// Text that may quote a file, without what would garble a terminal.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Span;

    fn at(text: &'static str, range: Range<usize>) -> String {
        let source = Source::new("m.sql", text);
        let diagnostic = Diagnostic::error("a-code", "a message")
            .at(&source, Span::new(range), "here")
            .why("Because.")
            .help("Write:\nSELECT 1;\n\nSELECT 2;");
        render(&diagnostic, Style::Plain)
    }

    #[test]
    fn what_has_no_place_has_no_bar() {
        for style in [Style::Plain, Style::Ansi] {
            let lines = |diagnostic: &Diagnostic| render(diagnostic, style).lines().count();
            let bare = Diagnostic::error("a-code", "a message");
            assert_eq!(lines(&bare), 1);
            let bare = bare.why("Because.").help("Write:\nSELECT 1;");
            assert_eq!(lines(&bare), 4);
            let two = Diagnostic::error("a-code", "a message\nof two lines").why("Because.");
            assert_eq!(lines(&two), 3);
        }
        let said = Diagnostic::error("a-code", "a message").help("Write:\nSELECT 1;");
        assert_eq!(
            render(&said, Style::Plain),
            "error[a-code]: a message\n = help: Write:\n         SELECT 1;\n"
        );
    }

    #[test]
    fn help_can_be_pasted() {
        let text = at("SELECT x;\n", 7..8);
        assert_eq!(
            text,
            "error[a-code]: a message\n --> m.sql:1:8\n  |\n1 | SELECT x;\n  |        ^ here\n  |\n  \
             = why: Because.\n  = help: Write:\n          SELECT 1;\n\n          SELECT 2;\n"
        );
    }

    #[test]
    fn odd_places() {
        for (text, range, place, line) in [
            (
                "SELECT 1;\r\nSELECT x;\r\n",
                18..19,
                "m.sql:2:8",
                "2 | SELECT x;\n  |        ^ here",
            ),
            (
                "\u{feff}SELECT x;",
                10..11,
                "m.sql:1:8",
                "1 | SELECT x;\n  |        ^ here",
            ),
            (
                "\u{feff}SELECT x;",
                0..0,
                "m.sql:1:1",
                "1 | SELECT x;\n  | ^ here",
            ),
            ("SELECT 1;\n", 10..10, "m.sql:2:1", "2 |\n  | ^ here"),
            (
                "SELECT 1;",
                9..9,
                "m.sql:1:10",
                "1 | SELECT 1;\n  |          ^ here",
            ),
            (
                "SELECT 1",
                99..200,
                "m.sql:1:9",
                "1 | SELECT 1\n  |         ^ here",
            ),
            (
                "SELECT\n1,\n2;",
                0..12,
                "m.sql:1:1",
                "1 | SELECT\n  | ^^^^^^ here",
            ),
            (
                "\tSELECT 'ü' x;",
                13..14,
                "m.sql:1:13",
                "1 |     SELECT 'ü' x;\n  |                ^ here",
            ),
        ] {
            let rendered = at(text, range);
            assert!(rendered.contains(place), "{place} in {rendered}");
            assert!(rendered.contains(line), "{line} in {rendered}");
            assert!(!rendered.contains('\r'));
        }
        assert!(at("", 0..0).contains("m.sql"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text: &'static str =
            Box::leak(format!("{}x;{}", "a ".repeat(500), " b".repeat(500)).into_boxed_str());
        let rendered = at(text, 1000..1001);
        assert!(rendered.lines().all(|line| line.len() < 160), "{rendered}");
        assert!(rendered.contains("x;"));
    }

    #[test]
    fn the_place_in_a_line_without_end_is_told() {
        let before = "ü, ".repeat(40_000);
        let text: &'static str = Box::leak(format!("a\n{before}x;{before}").into_boxed_str());
        let rendered = at(text, before.len() + 2..before.len() + 3);
        for part in ["\n --> m.sql:2:120001\n", "\n2 | ..., ü, ", ", ü, x;ü, "] {
            assert!(rendered.contains(part), "{part} in {rendered}");
        }
        assert!(
            rendered.lines().all(|line| line.chars().count() < 160),
            "{rendered}"
        );
    }

    #[test]
    fn lists_end_in_a_count() {
        let error = Diagnostic::error("a", "b");
        let warning = Diagnostic::warn("c", "d");
        let text = render_all(&[error.clone(), warning, error], Style::Plain);
        assert!(
            text.starts_with("error[a]: b\n\nwarning[c]: d\n\nerror[a]: b\n\n"),
            "{text}"
        );
        assert!(text.ends_with("\n2 errors, 1 warning\n"));
        assert_eq!(render_all(&[], Style::Plain), "");
    }

    #[test]
    fn findings_are_stable() {
        let source = Source::new("m.sql", "SELECT x;");
        let diagnostic = Diagnostic::warn("a-code", "a message")
            .at(&source, Span::new(7..8), "")
            .section(Section::Up);
        let json = serde_json::to_string(&Finding::from(&diagnostic)).expect("plain data");
        assert_eq!(
            json,
            r#"{"code":"a-code","severity":"warn","migration":null,"path":"m.sql","line":1,"column":8,"section":"up","message":"a message","why":"","help":""}"#
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(
            text in "[a\u{feff}ü用\t\r\n\0 ]{0,40}",
            spans in prop::collection::vec((0..60usize, 0..60usize), 0..4),
        ) {
            let source = Source::new("m.sql", text);
            let mut diagnostic = Diagnostic::error("a", "b");
            for (start, len) in spans {
                diagnostic = diagnostic.at(&source, Span::new(start..start + len), "c");
            }
            for style in [Style::Plain, Style::Ansi] {
                prop_assert!(render(&diagnostic, style).ends_with('\n'));
            }
        }
    }
}
