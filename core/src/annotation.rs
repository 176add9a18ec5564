//! `-- @key: value`: what a comment tells us.
//!
//! Annotations are read from comment tokens only, so that text in strings and bodies never counts.
//! Which keys there are stands in two tables, `HEADER_KEYS` and `STATEMENT_KEYS`; whether
//! annotations contradict each other or the SQL is decided by others.

mod mistake;
mod value;

use std::ops::Range;

use self::mistake::{
    behind_statement, dangling, duplicate, empty, header_key_in_section, header_key_without_effect,
    inside_statement, invalid, malformed, meant, missing, statement_key_in_header, unknown,
    without_effect_on_check,
};
use self::value::{Bad, Value};
use crate::checksum::Checksum;
use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::Dialect;
use crate::lex::{self, Token, TokenKind};
use crate::migration::{ForeignKeys, Format, Impact, Phase, Transaction};
use crate::source::{Located, Source, Span};
use crate::split::Piece;
use crate::statement::{Allow, Batch};

const UNKNOWN: &str = "annotation-unknown";
const DUPLICATE: &str = "annotation-duplicate";
const INVALID: &str = "annotation-invalid";
const EMPTY: &str = "annotation-empty";
const MISSING: &str = "annotation-missing";
const MISPLACED: &str = "annotation-misplaced";
const DANGLING: &str = "annotation-dangling";
const FORM: &str = "annotation-form";

/// The annotations of a header, each where it was given and could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the keys, see `Migration`")]
pub struct Header {
    pub name: Option<Located<String>>,
    pub description: Option<Located<String>>,
    pub timestamp: Option<Located<String>>,
    pub rollback_safe: Option<Located<bool>>,
    pub impact: Option<Located<Impact>>,
    pub dependencies: Option<Located<Vec<Located<String>>>>,
    pub transaction: Option<Located<Transaction>>,
    pub phase: Option<Located<Phase>>,
    pub irreversible: Option<Located<String>>,
    pub foreign_keys: Option<Located<ForeignKeys>>,
    pub lock_timeout_ms: Option<Located<u64>>,
    pub statement_timeout_ms: Option<Located<u64>>,
    pub supersedes: Option<Located<Checksum>>,
    pub step: Option<Located<String>>,
    pub assumes: Option<Located<Vec<Located<String>>>>,
}

/// The annotations above one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// `@allow`
    pub allows: Vec<Allow>,
    /// `@unchecked`
    pub unchecked: Option<Located<String>>,
    /// `@batch`
    pub batch: Option<Located<Batch>>,
}

struct Key<T> {
    name: &'static str,
    needed: bool,
    takes: &'static str,
    example: &'static str,
    read: fn(&mut T, &Value<'_>, Span) -> Result<(), Bad>,
}

/// One line for each key that may stand in a header.
#[rustfmt::skip]
const HEADER_KEYS: [Key<Header>; 15] = [
    Key { name: "name", needed: true, takes: "one line of text", example: "Add user e-mail",
        read: |h, v, _| v.put(&mut h.name, Value::text) },
    Key { name: "description", needed: true, takes: "text, which may go on over following `--   ` lines", example: "What changes and why",
        read: |h, v, _| v.put(&mut h.description, Value::text) },
    Key { name: "timestamp", needed: true, takes: "a date, time and offset as RFC 3339 writes them", example: "2026-01-05T10:00:00Z",
        read: |h, v, _| v.put(&mut h.timestamp, Value::timestamp) },
    Key { name: "rollbackSafe", needed: true, takes: "`true` when rolling back loses nothing that existed before, otherwise `false`", example: "false",
        read: |h, v, _| v.put(&mut h.rollback_safe, Value::boolean) },
    Key { name: "performanceImpact", needed: false, takes: "`low`, `medium` or `high`", example: "low",
        read: |h, v, _| v.put(&mut h.impact, |v| v.one_of(&[("low", Impact::Low), ("medium", Impact::Medium), ("high", Impact::High)])) },
    Key { name: "dependencies", needed: false, takes: "a list of ids in square brackets", example: "[0001_users]",
        read: |h, v, _| v.put(&mut h.dependencies, Value::ids) },
    Key { name: "transaction", needed: false, takes: "`false` when the statements cannot run in one", example: "false",
        read: |h, v, _| v.put(&mut h.transaction, |v| v.boolean().map(|one| if one { Transaction::One } else { Transaction::None })) },
    Key { name: "phase", needed: false, takes: "`expand` or `contract`", example: "expand",
        read: |h, v, _| v.put(&mut h.phase, |v| v.one_of(&[("expand", Phase::Expand), ("contract", Phase::Contract)])) },
    Key { name: "irreversible", needed: false, takes: "the reason why there is no way back", example: "the old values are gone",
        read: |h, v, _| v.put(&mut h.irreversible, Value::text) },
    Key { name: "foreignKeys", needed: false, takes: "`off`", example: "off",
        read: |h, v, _| v.put(&mut h.foreign_keys, |v| v.one_of(&[("off", ForeignKeys::Off)])) },
    Key { name: "lockTimeout", needed: false, takes: "a duration", example: "5s",
        read: |h, v, _| v.put(&mut h.lock_timeout_ms, Value::duration_ms) },
    Key { name: "statementTimeout", needed: false, takes: "a duration", example: "500ms",
        read: |h, v, _| v.put(&mut h.statement_timeout_ms, Value::duration_ms) },
    Key { name: "supersedes", needed: false, takes: "the checksum of an earlier text of this file", example: "v1:<64 hexadecimal digits>",
        read: |h, v, _| v.put(&mut h.supersedes, Value::checksum) },
    Key { name: "step", needed: false, takes: "the name under which the program gives a function for it", example: "0007_recode",
        read: |h, v, _| v.put(&mut h.step, Value::step) },
    Key { name: "assumes", needed: false, takes: "a list in square brackets of what others make", example: "[table auth.users, extension postgis]",
        read: |h, v, _| v.put(&mut h.assumes, Value::externals) },
];

/// One line for each key that may stand above a statement.
#[rustfmt::skip]
const STATEMENT_KEYS: [Key<Notes>; 3] = [
    Key { name: ALLOW, needed: false, takes: "the code of a rule and a reason in brackets", example: "drop-column (nothing reads it any more)",
        read: |n, v, span| v.allow().map(|(rule, reason)| n.allows.push(Allow { rule, reason, span })) },
    Key { name: "unchecked", needed: false, takes: "the reason why the model is not to read the statement", example: "it calls an extension",
        read: |n, v, _| v.put(&mut n.unchecked, Value::text) },
    Key { name: "batch", needed: false, takes: "a number of rows and, if need be, a pause and a bound", example: "1000, pause 50ms, at most 5000 rounds",
        read: |n, v, _| v.put(&mut n.batch, Value::batch) },
];

const ALLOW: &str = "allow";

/// Words that people write for our keys and that are not near to them in letters.
const SYNONYMS: [(&str, &str); 10] = [
    ("title", "name"),
    ("created", "timestamp"),
    ("date", "timestamp"),
    ("impact", "performanceImpact"),
    ("depends", "dependencies"),
    ("dependsOn", "dependencies"),
    ("requires", "dependencies"),
    ("external", "assumes"),
    ("reversible", "irreversible"),
    ("ignore", ALLOW),
];

/// One annotation as it is written.
struct Annotation<'t> {
    key: &'t str,
    /// The key with its `@`.
    key_span: Span,
    value: &'t str,
    value_span: Span,
    /// The whole comment.
    span: Span,
    token: usize,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `-- @key: value`
    Proper,
    /// `-- @key value`
    WithoutColon,
    /// Another kind of comment.
    OtherComment,
}

/// Reads the annotations among `tokens[range]`, which stand before the first marker.
///
/// What is missing is reported at `until`, the marker that ends the header. `id` is the stem of the
/// file's name, from which helpful values are guessed.
pub fn header(
    source: &Source,
    tokens: &[Token],
    range: Range<usize>,
    until: Span,
    id: &str,
) -> (Header, Vec<Diagnostic>) {
    let (header, given, mut diagnostics) = given_header(source, tokens, range);
    diagnostics.extend(missing(source, &given, until, id));
    for diagnostic in &mut diagnostics {
        diagnostic.section = Some(Section::Header);
    }
    (header, diagnostics)
}

/// Reads the annotations at the head of a stored DOWN, where none is needed.
pub(crate) fn header_of_stored(
    source: &Source,
    tokens: &[Token],
    range: Range<usize>,
) -> (Header, Vec<Diagnostic>) {
    let (header, _, diagnostics) = given_header(source, tokens, range);
    (header, diagnostics)
}

fn given_header(
    source: &Source,
    tokens: &[Token],
    range: Range<usize>,
) -> (Header, Given, Vec<Diagnostic>) {
    let text = source.text();
    let mut header = Header::default();
    let mut given = Given::default();
    let mut diagnostics = Vec::new();
    for annotation in annotations(text, tokens, range.clone()) {
        let Some(key) = find(&HEADER_KEYS, annotation.key) else {
            diagnostics.push(match find(&STATEMENT_KEYS, annotation.key) {
                Some(_) => statement_key_in_header(source, &annotation),
                None => unknown(source, &annotation, header_names()),
            });
            // What is only misspelt is not missing as well.
            let meant = meant(annotation.key);
            given.0.extend(meant.map(|key| (key, annotation.span)));
            continue;
        };
        let mut value = annotation.as_value();
        if key.name == "description" {
            take_continuation(&mut value, text, &tokens[annotation.token + 1..range.end]);
        }
        let fault = given.refuse(source, &annotation, key);
        diagnostics.extend(fault.or_else(|| read(source, &annotation, key, &mut header, &value)));
    }
    (header, given, diagnostics)
}

/// Reads the annotations among `tokens[range]`, a section that holds the statements `pieces`: the
/// notes of each piece.
///
/// Files of other tools are full of comments that are not meant for us, so that in them an unknown
/// key is left alone and a key of a header is only warned about.
pub fn notes(
    source: &Source,
    tokens: &[Token],
    range: Range<usize>,
    pieces: &[Piece],
    section: Section,
    format: Format,
) -> (Vec<Notes>, Vec<Diagnostic>) {
    let mut notes = vec![Notes::default(); pieces.len()];
    let mut given: Vec<Given> = pieces.iter().map(|_| Given::default()).collect();
    let mut diagnostics = Vec::new();
    for annotation in annotations(source.text(), tokens, range) {
        let Some(key) = find(&STATEMENT_KEYS, annotation.key) else {
            let place = place(source.text(), &annotation, pieces);
            let inside = matches!(place, Place::Inside(_));
            let known = find(&HEADER_KEYS, annotation.key).is_some();
            match format {
                _ if inside => {}
                Format::Annotated if known => {
                    diagnostics.push(header_key_in_section(source, &annotation));
                }
                Format::Annotated => {
                    diagnostics.push(unknown(source, &annotation, statement_names()));
                }
                Format::Plain if known => {
                    diagnostics.push(header_key_without_effect(source, &annotation))
                }
                Format::Plain => {}
            }
            continue;
        };
        diagnostics.extend(match place(source.text(), &annotation, pieces) {
            Place::Above(index) if section == Section::Check && key.name != "unchecked" => {
                Some(without_effect_on_check(source, &annotation, &pieces[index]))
            }
            Place::Above(index) => given[index].refuse(source, &annotation, key).or_else(|| {
                let value = annotation.as_value();
                read(source, &annotation, key, &mut notes[index], &value)
            }),
            Place::Inside(index) => Some(inside_statement(source, &annotation, &pieces[index])),
            Place::Behind => Some(behind_statement(source, &annotation)),
            Place::Nowhere => Some(dangling(source, &annotation)),
        });
    }
    for diagnostic in &mut diagnostics {
        diagnostic.section = Some(section);
    }
    (notes, diagnostics)
}

/// Where the header of a file says `key`: the key and its value.
///
/// For what can only be judged together with other files or with the SQL.
pub fn locate(source: &Source, dialect: Dialect, key: &str) -> Option<(Span, Span)> {
    // Behind the last line that holds the word nothing counts.
    let text = source.text();
    let last = text.rfind(key)?;
    let end = text[last..].find('\n').map_or(text.len(), |len| last + len);
    let text = &text[..end];
    let tokens = lex::lex(text, dialect).tokens;
    annotations(text, &tokens, 0..tokens.len())
        .find(|annotation| annotation.key == key)
        .map(|annotation| (annotation.key_span, annotation.value_span))
}

/// The keys that were given, and where first.
#[derive(Default)]
struct Given(Vec<(&'static str, Span)>);

impl Given {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == name)
    }

    /// Notes that a key is given. Refuses what is given twice, or is not formed as an annotation.
    fn refuse<T>(
        &mut self,
        source: &Source,
        annotation: &Annotation<'_>,
        key: &Key<T>,
    ) -> Option<Diagnostic> {
        let first = self.0.iter().find(|(given, _)| *given == key.name);
        if let Some((_, first)) = first.filter(|_| key.name != ALLOW) {
            return Some(duplicate(source, annotation, *first));
        }
        self.0.push((key.name, annotation.span));
        match annotation.shape {
            Shape::Proper => None,
            Shape::WithoutColon | Shape::OtherComment => Some(malformed(source, annotation)),
        }
    }
}

/// Reads the value into its field, or says why it cannot be read.
fn read<T>(
    source: &Source,
    annotation: &Annotation<'_>,
    key: &Key<T>,
    into: &mut T,
    value: &Value<'_>,
) -> Option<Diagnostic> {
    if value.text.is_empty() {
        return Some(empty(source, annotation, key));
    }
    let bad = (key.read)(into, value, annotation.span).err()?;
    Some(invalid(source, key, bad))
}

impl<'t> Annotation<'t> {
    fn as_value(&self) -> Value<'t> {
        Value {
            text: self.value.into(),
            span: self.value_span,
        }
    }
}

/// The annotations among `tokens[range]`, in order.
fn annotations<'t>(
    text: &'t str,
    tokens: &'t [Token],
    range: Range<usize>,
) -> impl Iterator<Item = Annotation<'t>> {
    range.filter_map(move |token| annotation(text, tokens, token))
}

fn annotation<'t>(text: &'t str, tokens: &[Token], token: usize) -> Option<Annotation<'t>> {
    let span = tokens[token].span;
    let comment = span.of(text);
    let (body, proper) = match tokens[token].kind {
        TokenKind::LineComment => match comment.strip_prefix("--") {
            Some(body) => (body, true),
            None => (comment.trim_start_matches('#'), false),
        },
        TokenKind::BlockComment => {
            let inner = comment.trim_start_matches(['/', '*']);
            (inner.trim_end_matches(['/', '*']).lines().next()?, false)
        }
        _ => return None,
    };
    let rest = body.trim_start().strip_prefix('@')?;
    let is_key = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let key_len = rest.find(|c| !is_key(c)).unwrap_or(rest.len());
    let (key, rest) = rest.split_at(key_len);
    let (value, shape) = match rest.trim_start().strip_prefix(':') {
        _ if key.is_empty() => return None,
        Some(value) if proper => (value, Shape::Proper),
        Some(value) if is_known(key) => (value, Shape::OtherComment),
        None if is_known(key) && proper => (rest, Shape::WithoutColon),
        Some(_) | None => return None,
    };
    let value = value.trim();
    let span_of = |part: &str| {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        Span::new(start..start + part.len())
    };
    let key_span = span_of(key);
    Some(Annotation {
        key,
        key_span: Span {
            start: key_span.start - 1,
            ..key_span
        },
        value,
        value_span: span_of(value),
        span: span_of(comment.trim_end()),
        token,
        shape,
    })
}

/// Adds the comment lines directly below that go on with the text.
fn take_continuation(value: &mut Value<'_>, text: &str, below: &[Token]) {
    let mut lines_passed = 0;
    for token in below {
        let words = token.span.of(text);
        match token.kind {
            TokenKind::Blank => lines_passed += words.matches('\n').count(),
            TokenKind::LineComment if lines_passed == 1 => {
                lines_passed = 0;
                let Some(line) = continuation(words) else {
                    break;
                };
                let joint = if value.text.is_empty() { "" } else { " " };
                *value.text.to_mut() += &format!("{joint}{line}");
            }
            _ => break,
        }
    }
}

/// The text of a `--   text` line that is not an annotation itself.
fn continuation(comment: &str) -> Option<&str> {
    let body = comment.strip_prefix("--")?;
    let indented = body.starts_with("  ") || body.starts_with('\t') || body.starts_with(" \t");
    let line = body.trim();
    let key = line
        .strip_prefix('@')
        .and_then(|rest| rest.split([':', ' ']).next());
    let is_text = !line.is_empty() && !key.is_some_and(is_known);
    (indented && is_text).then_some(line)
}

fn find<'k, T>(keys: &'k [Key<T>], name: &str) -> Option<&'k Key<T>> {
    keys.iter().find(|key| key.name == name)
}

fn is_known(name: &str) -> bool {
    find(&HEADER_KEYS, name).is_some() || find(&STATEMENT_KEYS, name).is_some()
}

fn header_names() -> Vec<&'static str> {
    HEADER_KEYS.iter().map(|key| key.name).collect()
}

fn statement_names() -> Vec<&'static str> {
    STATEMENT_KEYS.iter().map(|key| key.name).collect()
}

/// Where an annotation stands in a section.
enum Place {
    Above(usize),
    Inside(usize),
    Behind,
    Nowhere,
}

fn place(text: &str, annotation: &Annotation<'_>, pieces: &[Piece]) -> Place {
    let token = annotation.token;
    let below = pieces.partition_point(|piece| piece.tokens.end <= token);
    match pieces.get(below) {
        Some(piece) if piece.tokens.contains(&token) => Place::Inside(below),
        _ if !stands_alone(text, annotation.span.start as usize) => Place::Behind,
        Some(_) => Place::Above(below),
        None => Place::Nowhere,
    }
}

/// Whether nothing but blanks stands before `start` on its line.
pub(crate) fn stands_alone(text: &str, start: usize) -> bool {
    let mut before = text[..start].chars().rev().take_while(|c| *c != '\n');
    before.all(|c| c.is_whitespace() || c == '\u{feff}')
}

/// `add_user_email` as `Add user email`.
pub(crate) fn name_of_slug(slug: &str) -> String {
    let words = slug.replace(['_', '-'], " ");
    let mut chars = words.trim().chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
