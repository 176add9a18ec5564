//! Where the sections of an annotated file begin.
//!
//! Markers are matched to the letter. A comment that is only like a marker becomes one, with an
//! error, when the file has no real marker of that kind, so that the rest is still checked.

use std::ops::Range;

use super::parse::File;
use crate::annotation::stands_alone;
use crate::diagnostic::{Diagnostic, Section, did_you_mean};
use crate::lex::{Token, TokenKind};
use crate::source::{Located, Span};
use crate::split;

const MISSPELT: &str = "section-misspelt";
const TEXT: &str = "section-text";
const MISSING: &str = "section-missing";
const DUPLICATE: &str = "section-duplicate";
const ORDER: &str = "section-order";
const SQL_BEFORE: &str = "sql-before-section";

/// The kinds of sections, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    CheckBefore,
    Up,
    CheckAfter,
    Down,
}

/// One section.
pub(super) struct Found {
    pub(super) kind: Kind,
    /// The comment that is its marker.
    pub(super) marker: Span,
    /// What must hold, for a check that says so.
    pub(super) title: Option<Located<String>>,
    /// What follows the marker.
    pub(super) tokens: Range<usize>,
}

/// A file cut at its markers.
pub(super) struct Sections {
    /// The tokens before the first marker.
    pub(super) header: Range<usize>,
    /// Where the header ends.
    pub(super) header_end: Span,
    /// In the order of the file.
    pub(super) found: Vec<Found>,
    /// Whether there is any marker. Without one all statements are taken for the UP.
    pub(super) is_marked: bool,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::CheckBefore, Kind::Up, Kind::CheckAfter, Kind::Down];

    /// The words behind `-- `.
    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::CheckBefore => "CHECK BEFORE",
            Kind::Up => "UP MIGRATION",
            Kind::CheckAfter => "CHECK AFTER",
            Kind::Down => "DOWN MIGRATION",
        }
    }

    pub(super) fn section(self) -> Section {
        match self {
            Kind::CheckBefore | Kind::CheckAfter => Section::Check,
            Kind::Up => Section::Up,
            Kind::Down => Section::Down,
        }
    }

    fn is_check(self) -> bool {
        self.section() == Section::Check
    }
}

impl Sections {
    pub(super) fn first(&self, kind: Kind) -> Option<&Found> {
        self.found.iter().find(|found| found.kind == kind)
    }

    /// The part of the file that holds the byte.
    pub(super) fn section_at(&self, byte: u32) -> Section {
        let holds = |found: &&Found| found.marker.start <= byte;
        let last = self.found.iter().rev().find(holds);
        last.map_or(Section::Header, |found| found.kind.section())
    }
}

/// Cuts the file at its markers.
pub(super) fn find(file: &File<'_>) -> (Sections, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let candidates = choose(candidates(file.text(), file.tokens));
    for candidate in &candidates {
        diagnostics.extend(
            candidate
                .fault
                .as_ref()
                .map(|fault| fault.report(file, candidate)),
        );
    }
    diagnostics.extend(out_of_order(file, &candidates));
    let header = 0..candidates
        .first()
        .map_or(file.tokens.len(), |first| first.token);
    let ends = candidates
        .iter()
        .skip(1)
        .map(|next| next.token)
        .chain([file.tokens.len()])
        .collect::<Vec<usize>>();
    let mut sections = Sections {
        header_end: candidates
            .first()
            .map_or_else(|| file_start(file), |first| first.span),
        is_marked: !candidates.is_empty(),
        header,
        found: candidates
            .into_iter()
            .zip(ends)
            .map(|(candidate, end)| Found {
                kind: candidate.kind,
                marker: candidate.span,
                title: candidate.title,
                tokens: candidate.token + 1..end,
            })
            .collect(),
    };
    diagnostics.extend(sql_in_header(file, &mut sections));
    (sections, diagnostics)
}

/// A comment that may be a marker.
struct Candidate {
    kind: Kind,
    token: usize,
    /// The comment without blanks at its end.
    span: Span,
    title: Option<Located<String>>,
    fault: Option<Fault>,
}

/// What keeps a comment from being a marker.
enum Fault {
    /// Other words.
    Misspelt,
    /// SQL stands before it on the line.
    NotAlone,
    /// Text follows the marker without brackets.
    Text(Located<String>),
}

impl Fault {
    fn report(&self, file: &File<'_>, candidate: &Candidate) -> Diagnostic {
        let marker = format!("-- {}", candidate.kind.words());
        let near = match candidate.kind.is_check() {
            true => format!("{marker}:"),
            false => marker.clone(),
        };
        let title = candidate.title.as_ref();
        let full = match (candidate.kind.is_check(), title) {
            (true, Some(title)) => format!("{marker}: {}", title.value),
            (true, None) => format!("{marker}: <what must hold>"),
            (false, _) => marker.clone(),
        };
        let diagnostic = match self {
            Fault::Misspelt => {
                let words = candidate.span.of(file.text());
                let words: String = words.chars().take(40).collect();
                Diagnostic::error(MISSPELT, format!("`{words}` is not a section marker"))
                    .at(file.source, candidate.span, format!("did you mean `{near}`?"))
                    .why("Markers are matched to the letter, so that no comment becomes one by accident.")
                    .help(format!("Write the marker as:\n{full}"))
            }
            Fault::NotAlone => Diagnostic::error(MISSPELT, "a section marker stands behind SQL")
                .at(file.source, candidate.span, "not on a line of its own")
                .why("A marker that hides at the end of a line is overlooked.")
                .help(format!("Put it on a line of its own:\n{full}")),
            Fault::Text(text) if looks_like_sql(&text.value) => {
                Diagnostic::error(TEXT, "SQL stands in the comment of a section marker")
                    .at(file.source, text.span, "the engine never sees this")
                    .why("What follows `--` on a line is a comment.")
                    .help(format!(
                        "Put the SQL on a line of its own:\n{full}\n{}",
                        text.value
                    ))
            }
            Fault::Text(text) => {
                let bare = text
                    .value
                    .trim_matches(|c: char| c.is_whitespace() || "-:=".contains(c));
                let bracketed = if bare.is_empty() {
                    String::new()
                } else {
                    format!(" ({bare})")
                };
                Diagnostic::error(TEXT, "text follows a section marker without brackets")
                    .at(file.source, text.span, "put this in brackets")
                    .why("Markers are matched to the letter; only text in brackets is free.")
                    .help(format!("Write the marker as:\n{full}{bracketed}"))
            }
        };
        diagnostic.section(candidate.kind.section())
    }
}

fn candidates(text: &str, tokens: &[Token]) -> Vec<Candidate> {
    tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| candidate(text, index, *token))
        .collect()
}

fn candidate(text: &str, index: usize, token: Token) -> Option<Candidate> {
    if !matches!(token.kind, TokenKind::LineComment | TokenKind::BlockComment) {
        return None;
    }
    let comment = token.span.of(text).trim_end();
    let start = token.span.start as usize;
    let span = Span::new(start..start + comment.len());
    let alone = stands_alone(text, start);
    let line = match token.kind {
        TokenKind::LineComment => comment.strip_prefix("--").map(str::trim),
        _ => None,
    };
    let (kind, title, fault) = match line.and_then(|line| exact(text, line)) {
        Some((kind, title, None)) => (kind, title, (!alone).then_some(Fault::NotAlone)),
        Some(marker) => marker,
        None if !alone => return None,
        None => {
            let words = comment.trim_matches(|c: char| c.is_whitespace() || "-#/*".contains(c));
            if words.starts_with('@') {
                return None; // an annotation
            }
            let (kind, title) = near(text, words)?;
            (kind, title, Some(Fault::Misspelt))
        }
    };
    Some(Candidate {
        kind,
        token: index,
        span,
        title,
        fault,
    })
}

type Marker = (Kind, Option<Located<String>>, Option<Fault>);

/// A line that begins with the words of a marker.
fn exact(text: &str, line: &str) -> Option<Marker> {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| line.starts_with(kind.words()))?;
    let rest = &line[kind.words().len()..];
    let tail = located(text, rest.trim());
    if kind.is_check() {
        return match rest.trim_start().strip_prefix(':') {
            Some(title) => Some((kind, title_of(text, title), None)),
            // Without a title too, that alone is reported, by whoever reads the check.
            None if rest.is_empty() => Some((kind, None, None)),
            None if rest.starts_with([' ', '\t']) => {
                Some((kind, title_of(text, rest), Some(Fault::Misspelt)))
            }
            None => None,
        };
    }
    match rest.trim() {
        "" => Some((kind, None, None)),
        bracketed if bracketed.starts_with('(') => Some((kind, None, None)),
        _ if rest.starts_with(|c: char| c.is_alphanumeric()) => None,
        _ => Some((kind, None, Some(Fault::Text(tail)))),
    }
}

fn title_of(text: &str, words: &str) -> Option<Located<String>> {
    let words = words.trim();
    (!words.is_empty()).then(|| located(text, words))
}

/// `part`, a slice of `text`, with its place.
fn located(text: &str, part: &str) -> Located<String> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    Located {
        value: part.to_owned(),
        span: Span::new(start..start + part.len()),
    }
}

/// Words that other tools and hasty people write for our markers.
fn near(text: &str, words: &str) -> Option<(Kind, Option<Located<String>>)> {
    const NOISE: [&str; 8] = [
        "goose",
        "migrate",
        "migration",
        "migrations",
        "sql",
        "section",
        "script",
        "step",
    ];
    const UP: [&str; 5] = ["up", "ups", "upgrade", "forward", "forwards"];
    const DOWN: [&str; 7] = [
        "down",
        "downs",
        "downgrade",
        "rollback",
        "undo",
        "revert",
        "backwards",
    ];
    if let Some((name, title)) = words.split_once(':') {
        let name = name.trim().to_uppercase();
        let checks = [Kind::CheckBefore, Kind::CheckAfter];
        if let Some(kind) = closest(&name, &checks) {
            return Some((kind, title_of(text, title)));
        }
    }
    let words = words.split('(').next().unwrap_or_default().trim();
    let lower = words.to_lowercase();
    let core: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !NOISE.contains(word))
        .collect();
    let kind = match core[..] {
        [word] if UP.contains(&word) => Some(Kind::Up),
        [word] if DOWN.contains(&word) => Some(Kind::Down),
        _ => closest(&words.to_uppercase(), &[Kind::Up, Kind::Down]),
    };
    kind.map(|kind| (kind, None))
}

/// The kind whose words are a typing error or two away.
fn closest(words: &str, kinds: &[Kind]) -> Option<Kind> {
    // The lengths first: every comment of every file comes by here.
    let is_near = |kind: &&Kind| words.len().abs_diff(kind.words().len()) <= 2;
    let candidates = kinds.iter().filter(is_near).map(|kind| kind.words());
    let near = did_you_mean(words, candidates)?;
    kinds.iter().copied().find(|kind| kind.words() == near)
}

/// Keeps the real markers, and of those that are only like one the first of each kind that the
/// file lacks otherwise. Before the UP, words like those of a DOWN are prose.
fn choose(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let is_real = |candidate: &Candidate| match candidate.fault {
        None | Some(Fault::NotAlone) => true,
        Some(Fault::Misspelt | Fault::Text(_)) => candidate.kind.is_check(),
    };
    let mut taken: Vec<Kind> = candidates
        .iter()
        .filter(|candidate| is_real(candidate))
        .map(|candidate| candidate.kind)
        .collect();
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let is_early = candidate.kind == Kind::Down && chosen.iter().all(|c| c.kind != Kind::Up);
        if is_real(&candidate) {
            chosen.push(candidate);
        } else if !taken.contains(&candidate.kind) && !is_early {
            taken.push(candidate.kind);
            chosen.push(candidate);
        }
    }
    chosen
}

fn out_of_order(file: &File<'_>, candidates: &[Candidate]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let before = &candidates[..index];
        let same = before.iter().find(|other| other.kind == candidate.kind);
        let later = before.iter().find(|other| other.kind > candidate.kind);
        let marker = format!("-- {}", candidate.kind.words());
        if let Some(first) = same.filter(|_| !candidate.kind.is_check()) {
            diagnostics.push(
                Diagnostic::error(DUPLICATE, format!("`{marker}` stands here twice"))
                    .at(file.source, candidate.span, "again here")
                    .at(file.source, first.span, "first here")
                    .why("A migration is one step: one way forward, one way back.")
                    .help("Delete this marker, or move what follows it to a migration of its own.")
                    .section(candidate.kind.section()),
            );
        } else if let Some(later) = later {
            let other = later.kind.words();
            diagnostics.push(
                Diagnostic::error(ORDER, format!("`{marker}` stands after `-- {other}`"))
                    .at(file.source, candidate.span, "too late")
                    .at(file.source, later.span, "this comes after it")
                    .why("A file reads in the order in which it runs.")
                    .help(
                        "Move the section up. The order is:\n\
                         -- CHECK BEFORE: <what must hold>\n-- UP MIGRATION\n\
                         -- CHECK AFTER: <what must hold>\n-- DOWN MIGRATION",
                    )
                    .section(candidate.kind.section()),
            );
        }
    }
    diagnostics
}

/// SQL before the first marker. Without an UP it is taken for the UP, so that it is still checked.
fn sql_in_header(file: &File<'_>, sections: &mut Sections) -> Option<Diagnostic> {
    let split = split::split(
        file.text(),
        file.tokens,
        sections.header.clone(),
        file.dialect,
    );
    let first = split.pieces.first();
    let place = first.map(|piece| file.first_line(piece.span));
    if sections.first(Kind::Up).is_some() {
        let marker = sections.found.first()?;
        return Some(
            Diagnostic::error(SQL_BEFORE, "SQL stands before the first section")
                .at(file.source, place?, "belongs to no section")
                .at(file.source, marker.marker, "the first section begins here")
                .why("It would be neither run nor taken back.")
                .help(format!(
                    "Move it below the marker:\n-- {}",
                    Kind::Up.words()
                ))
                .section(Section::Header),
        );
    }
    if file.is_torn {
        return None;
    }
    if let (Some(first), Some(place)) = (first, place) {
        let header = 0..first.tokens.start;
        sections.found.insert(
            0,
            Found {
                kind: Kind::Up,
                marker: place,
                title: None,
                tokens: header.end..sections.header.end,
            },
        );
        sections.header = header;
        sections.header_end = place;
    }
    let place = place.unwrap_or(sections.header_end);
    let label = match first {
        Some(_) => "no marker stands above this statement",
        None if sections.found.is_empty() => "the file has no sections",
        None => "the first section is another one",
    };
    let skeleton = match sections.first(Kind::Down) {
        Some(_) => "-- UP MIGRATION",
        None => {
            "-- UP MIGRATION\n<the statements>\n\n\
             -- DOWN MIGRATION\n<the statements that take them back>"
        }
    };
    Some(
        Diagnostic::error(MISSING, "`-- UP MIGRATION` is missing")
            .at(file.source, place, label)
            .why("Only what stands in a section is run.")
            .help(format!("Add the marker above the statements:\n{skeleton}"))
            .section(Section::Up),
    )
}

/// The first words of a file, for what is about the whole of it.
fn file_start(file: &File<'_>) -> Span {
    let text = file.text();
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    Span::new(start..start)
}

fn looks_like_sql(text: &str) -> bool {
    const VERBS: [&str; 12] = [
        "ALTER", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "RENAME", "REVOKE", "SELECT",
        "TRUNCATE", "UPDATE", "WITH",
    ];
    let verb = text.split_whitespace().next().unwrap_or_default();
    VERBS.contains(&verb.to_uppercase().as_str()) && text.split_whitespace().count() > 1
}
