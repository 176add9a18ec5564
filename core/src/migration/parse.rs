//! An annotated file as a [`Migration`].

use super::section::{self, Found, Kind, Sections};
use super::{Check, Format, Impact, Migration, Script, Transaction, version_of};
use crate::annotation::{self, Header, Notes};
use crate::checksum::{Checksum, Hasher, Role};
use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::Dialect;
use crate::lex::{self, Lexed, Token};
use crate::source::{Source, Span};
use crate::split::{self, Piece};
use crate::statement::{self, Statement};

const SECTION_EMPTY: &str = "section-empty";
pub(crate) const ROLLBACK_MISSING: &str = "rollback-missing";
/// What stands for the statements of a DOWN until somebody knows them.
pub(crate) const UNKNOWN_DOWN: &str = "<statements>";
const IRREVERSIBLE_WITH_DOWN: &str = "irreversible-with-down";
const CHECK_EMPTY: &str = "check-empty";
const CHECK_SEVERAL: &str = "check-several";
const CHECK_NOT_QUERY: &str = "check-not-query";
const CHECK_UNTITLED: &str = "check-untitled";
const CONFLICT: &str = "annotation-conflict";
const FOREIGN_KEYS_UNSUPPORTED: &str = "foreign-keys-unsupported";
const BATCH_IN_TRANSACTION: &str = "batch-in-transaction";
const BATCH_NOT_DATA: &str = "batch-not-data";

/// A file and its tokens.
pub(super) struct File<'f> {
    pub(super) source: &'f Source,
    pub(super) dialect: Dialect,
    pub(super) tokens: &'f [Token],
    /// Whether a string or comment swallows the rest of the file, so that what seems to be missing
    /// may be inside.
    pub(super) is_torn: bool,
}

/// A stretch of statements and what stands above them.
pub(super) struct Body {
    pub(super) pieces: Vec<Piece>,
    pub(super) notes: Vec<Notes>,
}

impl<'f> File<'f> {
    pub(super) fn new(source: &'f Source, lexed: &'f Lexed, dialect: Dialect) -> File<'f> {
        File {
            source,
            dialect,
            tokens: &lexed.tokens,
            is_torn: !lexed.faults.is_empty(),
        }
    }

    pub(super) fn text(&self) -> &'f str {
        self.source.text()
    }

    /// The part of `span` on its first line.
    pub(super) fn first_line(&self, span: Span) -> Span {
        self.source.first_line(span)
    }

    /// The words of a statement as the engine sees them.
    pub(super) fn words(&self, piece: &Piece) -> impl Iterator<Item = &'f str> {
        lex::significant(self.text(), &self.tokens[piece.tokens.clone()])
    }

    /// The statements of `range`, which is a part of the section.
    pub(super) fn body(
        &self,
        range: std::ops::Range<usize>,
        section: Section,
        format: Format,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Body {
        let split = split::split(self.text(), self.tokens, range.clone(), self.dialect);
        diagnostics.extend(split::diagnose(self.source, &split, section));
        let pieces = split.pieces;
        let (notes, found) =
            annotation::notes(self.source, self.tokens, range, &pieces, section, format);
        diagnostics.extend(found);
        Body { pieces, notes }
    }

    /// What the engine would refuse.
    pub(super) fn inspect(
        &self,
        pieces: &[Piece],
        transaction: Transaction,
        section: Section,
    ) -> Vec<Diagnostic> {
        let inspect = |piece| {
            statement::diagnose(
                self.source,
                piece,
                self.tokens,
                self.dialect,
                transaction,
                section,
            )
        };
        pieces.iter().flat_map(inspect).collect()
    }

    /// `@batch` where it cannot work.
    pub(super) fn misused_batches(
        &self,
        body: &Body,
        transaction: Transaction,
        section: Section,
    ) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (piece, notes) in body.pieces.iter().zip(&body.notes) {
            let Some(batch) = &notes.batch else { continue };
            if !self.changes_data(piece) {
                diagnostics.push(self.batch_not_data(piece, batch.span));
            } else if transaction == Transaction::One {
                diagnostics.push(self.batch_in_transaction(batch.span));
            }
        }
        for diagnostic in &mut diagnostics {
            diagnostic.section = Some(section);
        }
        diagnostics
    }

    fn changes_data(&self, piece: &Piece) -> bool {
        const VERBS: [&str; 6] = ["DELETE", "INSERT", "MERGE", "REPLACE", "UPDATE", "WITH"];
        let verb = self.words(piece).next().unwrap_or_default();
        VERBS.contains(&verb.to_uppercase().as_str())
    }

    fn batch_not_data(&self, piece: &Piece, batch: Span) -> Diagnostic {
        Diagnostic::error(
            BATCH_NOT_DATA,
            "`@batch` stands above a statement that changes no rows",
        )
        .at(self.source, batch, "nothing to repeat")
        .at(self.source, self.first_line(piece.span), "this statement")
        .why("A batch is repeated until it changes no row, which only a data statement tells.")
        .help("Delete the line, or move it above the UPDATE, DELETE or INSERT that it is about.")
    }

    fn batch_in_transaction(&self, batch: Span) -> Diagnostic {
        Diagnostic::error(
            BATCH_IN_TRANSACTION,
            "`@batch` stands in a migration that is one transaction",
        )
        .at(
            self.source,
            batch,
            "each round needs a transaction of its own",
        )
        .why("Batches keep locks short; in one transaction every lock is held to its end.")
        .help("Add to the header:\n-- @transaction: false")
    }

    /// The statements of a body as the migration keeps them.
    pub(super) fn script(&self, span: Span, body: Body) -> Script {
        let statements = body.pieces.iter().zip(body.notes);
        Script {
            source: self.source.clone(),
            span,
            statements: statements
                .map(|(piece, notes)| self.statement(piece, notes))
                .collect(),
        }
    }

    fn statement(&self, piece: &Piece, notes: Notes) -> Statement {
        Statement {
            span: piece.span,
            commits: statement::commits(self.text(), piece, self.tokens, self.dialect),
            batch: notes.batch.map(|batch| batch.value),
            allows: notes.allows,
            unchecked: notes.unchecked.map(|reason| reason.value),
        }
    }

    pub(super) fn hash(&self, hasher: &mut Hasher, role: Role, pieces: &[Piece]) {
        for piece in pieces {
            hasher.statement(role, self.words(piece));
        }
    }

    pub(super) fn down_checksum(&self, pieces: &[Piece]) -> Checksum {
        let mut hasher = Hasher::new();
        self.hash(&mut hasher, Role::Down, pieces);
        hasher.finish()
    }
}

/// See [`super::parse`].
pub(super) fn parse(
    id: &str,
    source: &Source,
    dialect: Dialect,
) -> (Option<Migration>, Vec<Diagnostic>) {
    let lexed = lex::lex(source.text(), dialect);
    let file = File::new(source, &lexed, dialect);
    let mut diagnostics = lex::diagnose(source, &lexed);
    let (sections, found) = section::find(&file);
    diagnostics.extend(found);
    let (header, found) = annotation::header(
        source,
        file.tokens,
        sections.header.clone(),
        sections.header_end,
        id,
    );
    diagnostics.extend(found);
    diagnostics.extend(conflicts(&file, &header));
    let migration = assemble(id, &file, &sections, header, &mut diagnostics);
    for diagnostic in &mut diagnostics {
        let place = diagnostic
            .labels
            .first()
            .map_or(0, |label| label.span.start);
        diagnostic
            .section
            .get_or_insert_with(|| sections.section_at(place));
        diagnostic.migration = Some(id.to_owned());
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span.start));
    (migration, diagnostics)
}

fn assemble(
    id: &str,
    file: &File<'_>,
    sections: &Sections,
    header: Header,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Migration> {
    let transaction = header
        .transaction
        .as_ref()
        .map_or(Transaction::One, |t| t.value);
    let mut hasher = Hasher::new();
    let checks_before = checks(file, sections, Kind::CheckBefore, &mut hasher, diagnostics);
    let up = sections.first(Kind::Up);
    let up_body = up.map(|up| {
        let body = steps(file, up, transaction, diagnostics);
        file.hash(&mut hasher, Role::Up, &body.pieces);
        if let Some(step) = &header.step {
            // Its code is the program's; that there is one, and which, is the file's.
            hasher.statement(Role::Up, ["@step", step.value.as_str()]);
            diagnostics.extend(misplaced_step(file, &body, step.span, &header));
        }
        // What stands there and is no statement has been reported.
        let span = file.span(up).range();
        let is_reported = diagnostics
            .iter()
            .filter_map(|diagnostic| diagnostic.labels.first())
            .any(|label| span.contains(&(label.span.start as usize)));
        let is_empty = body.pieces.is_empty() && header.step.is_none();
        if is_empty && !file.is_torn && !is_reported {
            diagnostics.push(up_empty(file, up));
        }
        file.script(file.span(up), body)
    });
    let checks_after = checks(file, sections, Kind::CheckAfter, &mut hasher, diagnostics);
    let down = down(file, sections, &header, transaction, diagnostics);
    let (down, down_checksum) = down.unzip();
    let text = |located: Option<crate::source::Located<String>>| {
        located.map(|located| located.value).unwrap_or_default()
    };
    Some(Migration {
        id: id.to_owned(),
        version: version_of(id)?,
        name: text(header.name),
        description: text(header.description),
        timestamp: text(header.timestamp),
        rollback_safe: header.rollback_safe.is_some_and(|safe| safe.value),
        impact: header.impact.map_or(Impact::Low, |impact| impact.value),
        dependencies: header
            .dependencies
            .map(|ids| ids.value.into_iter().map(|id| id.value).collect())
            .unwrap_or_default(),
        transaction,
        phase: header.phase.map(|phase| phase.value),
        irreversible: header.irreversible.map(|reason| reason.value),
        foreign_keys: header
            .foreign_keys
            .map(|keys| keys.value)
            .unwrap_or_default(),
        lock_timeout_ms: header.lock_timeout_ms.map(|ms| ms.value),
        statement_timeout_ms: header.statement_timeout_ms.map(|ms| ms.value),
        supersedes: header.supersedes.map(|checksum| checksum.value),
        step: header.step.map(|step| step.value),
        assumes: header
            .assumes
            .map(|list| list.value.into_iter().map(|one| one.value).collect())
            .unwrap_or_default(),
        checks_before,
        up: up_body?,
        checks_after,
        down,
        checksum: hasher.finish(),
        down_checksum,
    })
}

/// The statements of an UP or a DOWN.
fn steps(
    file: &File<'_>,
    found: &Found,
    transaction: Transaction,
    diagnostics: &mut Vec<Diagnostic>,
) -> Body {
    let section = found.kind.section();
    let body = file.body(
        found.tokens.clone(),
        section,
        Format::Annotated,
        diagnostics,
    );
    diagnostics.extend(file.inspect(&body.pieces, transaction, section));
    diagnostics.extend(file.misused_batches(&body, transaction, section));
    body
}

fn checks(
    file: &File<'_>,
    sections: &Sections,
    kind: Kind,
    hasher: &mut Hasher,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Check> {
    let role = if kind == Kind::CheckBefore {
        Role::CheckBefore
    } else {
        Role::CheckAfter
    };
    let mut checks = Vec::new();
    for found in sections.found.iter().filter(|found| found.kind == kind) {
        let body = file.body(
            found.tokens.clone(),
            Section::Check,
            Format::Annotated,
            diagnostics,
        );
        file.hash(hasher, role, &body.pieces);
        diagnostics.extend(misformed_check(file, found, &body.pieces));
        let title = found.title.as_ref().map(|title| title.value.clone());
        if let Some((piece, notes)) = body.pieces.iter().zip(body.notes).next() {
            checks.push(Check {
                title: title.unwrap_or_default(),
                statement: file.statement(piece, notes),
            });
        }
    }
    checks
}

fn down(
    file: &File<'_>,
    sections: &Sections,
    header: &Header,
    transaction: Transaction,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(Script, Checksum)> {
    let found = sections.first(Kind::Down);
    let body = found.map(|found| steps(file, found, transaction, diagnostics));
    let body = body.filter(|body| !body.pieces.is_empty());
    match (&header.irreversible, found, &body) {
        // Who has no marker at all is told of both.
        (None, _, None) if !file.is_torn && sections.is_marked => {
            // A reason that cannot be read has been reported.
            if annotation::locate(file.source, file.dialect, "irreversible").is_none() {
                diagnostics.extend(rollback_missing(file, sections, found));
            }
        }
        (Some(reason), Some(found), Some(_)) => {
            diagnostics.push(irreversible_with_down(file, reason.span, found));
        }
        (None | Some(_), _, _) => {}
    }
    let (found, body) = (found?, body?);
    let checksum = file.down_checksum(&body.pieces);
    Some((file.script(file.span(found), body), checksum))
}

impl File<'_> {
    /// The text of a section after its marker.
    fn span(&self, found: &Found) -> Span {
        let tokens = &self.tokens[found.tokens.clone()];
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::new(found.marker.range().end..found.marker.range().end),
        }
    }
}

/// A step shares its transaction with the statements and the row of the history, or there would be
/// no telling after a crash whether it has run.
fn misplaced_step(file: &File<'_>, body: &Body, step: Span, header: &Header) -> Option<Diagnostic> {
    const WHY: &str = "A step is part of the transaction of its migration, so that it runs once or \
                       not at all.";
    let none = header.transaction.as_ref();
    if let Some(none) = none.filter(|one| one.value == Transaction::None) {
        let diagnostic = Diagnostic::error(CONFLICT, "`@step` contradicts `@transaction: false`")
            .at(file.source, step, "this needs a transaction")
            .at(file.source, none.span, "and there is none");
        return Some(
            diagnostic
                .why(WHY)
                .help("Give the step a migration of its own."),
        );
    }
    let commits =
        |piece: &&Piece| statement::commits(file.text(), piece, file.tokens, file.dialect);
    let commits = body.pieces.iter().find(commits)?;
    let diagnostic = Diagnostic::error(CONFLICT, "`@step` stands beside DDL")
        .at(file.source, step, "this needs a transaction")
        .at(
            file.source,
            file.first_line(commits.span),
            "and this ends one by itself",
        );
    Some(
        diagnostic
            .why(WHY)
            .help("Give the step a migration of its own, behind this one."),
    )
}

fn up_empty(file: &File<'_>, up: &Found) -> Diagnostic {
    Diagnostic::error(SECTION_EMPTY, "the UP holds no statement")
        .at(
            file.source,
            up.marker,
            "nothing follows but comments and blank space",
        )
        .why("A migration that does nothing would still be recorded as applied for ever.")
        .help(
            "Write the statements below the marker, or delete the file. If a function of the \
             program does the work, name it in the header:\n-- @step: <name>",
        )
        .section(Section::Up)
}

fn rollback_missing(
    file: &File<'_>,
    sections: &Sections,
    down: Option<&Found>,
) -> Option<Diagnostic> {
    let diagnostic = Diagnostic::error(ROLLBACK_MISSING, "there is no way back");
    let (diagnostic, where_to) = match (down, sections.first(Kind::Up)) {
        (Some(down), _) => (
            diagnostic.at(file.source, down.marker, "the DOWN holds no statement"),
            "below the marker:",
        ),
        (None, Some(up)) => (
            diagnostic.at(file.source, up.marker, "this UP has no DOWN"),
            "at the end of the file:\n-- DOWN MIGRATION",
        ),
        (None, None) => return None,
    };
    Some(
        diagnostic
            .why("A release that fails in the night can only be taken back by a rollback that was written in the day.")
            .help(format!(
                "Write the statements that take the UP back {where_to}\n{UNKNOWN_DOWN}\n\
                 If there is no way back, say why in the header:\n-- @irreversible: <reason>",
            ))
            .section(Section::Down),
    )
}

fn irreversible_with_down(file: &File<'_>, reason: Span, down: &Found) -> Diagnostic {
    Diagnostic::error(
        IRREVERSIBLE_WITH_DOWN,
        "an irreversible migration has a DOWN",
    )
    .at(file.source, reason, "this says that there is no way back")
    .at(file.source, down.marker, "and this is one")
    .why("Only one of the two can be true.")
    .help("Delete the line with `@irreversible`, or delete the DOWN and its marker.")
    .section(Section::Header)
}

fn misformed_check(file: &File<'_>, found: &Found, pieces: &[Piece]) -> Vec<Diagnostic> {
    let marker = format!("-- {}: <what must hold>", found.kind.words());
    let mut diagnostics = Vec::new();
    if found.title.is_none() {
        diagnostics.push(
            Diagnostic::error(CHECK_UNTITLED, "a CHECK does not say what must hold")
                .at(file.source, found.marker, "no title")
                .why("When it does not hold, its title is what people read first.")
                .help(format!("Say in a few words what must hold:\n{marker}")),
        );
    }
    match pieces {
        [] if file.is_torn => {}
        [] => diagnostics.push(
            Diagnostic::error(CHECK_EMPTY, "a CHECK holds no statement")
                .at(file.source, found.marker, "nothing follows but comments and blank space")
                .why("A check is one query that returns the rows for which it does not hold.")
                .help("Write the query below the marker, for example:\nSELECT id FROM users WHERE email IS NULL;"),
        ),
        [only] => {
            if !statement::is_query(file.text(), only, file.tokens, file.dialect) {
                diagnostics.push(
                    Diagnostic::error(CHECK_NOT_QUERY, "a CHECK is not a query")
                        .at(file.source, file.first_line(only.span), "not a SELECT")
                        .at(file.source, found.marker, "the check")
                        .why("A check only looks: it returns the rows for which it does not hold, and changes nothing.")
                        .help("Write a query that returns the offenders, for example:\nSELECT id FROM users WHERE email IS NULL;"),
                );
            }
        }
        [_, second, ..] => diagnostics.push(
            Diagnostic::error(CHECK_SEVERAL, "a CHECK holds several statements")
                .at(file.source, file.first_line(second.span), "the second statement")
                .at(file.source, found.marker, "the check")
                .why("A check is one query, so that its title says which one does not hold.")
                .help(format!("Give the second query a marker of its own:\n{marker}")),
        ),
    }
    for diagnostic in &mut diagnostics {
        diagnostic.section = Some(Section::Check);
    }
    diagnostics
}

/// Annotations that cannot both be meant.
fn conflicts(file: &File<'_>, header: &Header) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let (Some(reason), Some(safe)) = (&header.irreversible, &header.rollback_safe)
        && safe.value
    {
        diagnostics.push(
            Diagnostic::error(
                CONFLICT,
                "`@rollbackSafe: true` contradicts `@irreversible`",
            )
            .at(file.source, safe.span, "a rollback is said to lose nothing")
            .at(file.source, reason.span, "and to be impossible")
            .why("A migration without a way back cannot be rolled back safely.")
            .help("Write:\n-- @rollbackSafe: false"),
        );
    }
    if let Some(off) = &header.foreign_keys {
        let transaction = header.transaction.as_ref();
        if !file.dialect.switches_foreign_keys_outside_transactions() {
            diagnostics.push(
                Diagnostic::error(
                    FOREIGN_KEYS_UNSUPPORTED,
                    format!("`@foreignKeys` does not exist on {}", file.dialect.name()),
                )
                .at(file.source, off.span, "only SQLite has this switch")
                .why("SQLite rebuilds tables to change them and has to look away meanwhile; other engines alter tables in place.")
                .help("Delete the line."),
            );
        } else if let Some(none) = transaction.filter(|t| t.value == Transaction::None) {
            diagnostics.push(
                Diagnostic::error(
                    CONFLICT,
                    "`@foreignKeys: off` contradicts `@transaction: false`",
                )
                .at(file.source, off.span, "checked again before the COMMIT")
                .at(file.source, none.span, "and there is none")
                .why("Without a transaction a broken reference could not be taken back.")
                .help("Delete one of the two lines."),
            );
        }
    }
    diagnostics
}
