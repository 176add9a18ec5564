//! PL/pgSQL: what a `DO` block and the body of a function do, step by step.
//!
//! Only the steps are told apart here; which of them run, and what they make of the schema, is
//! [`replay`](crate::replay)'s business. A body that is written in another way is not read at all.

use std::sync::Arc;

use super::cursor::{Cursor, string_value};
use super::expression::{self, Expression, Lookup};
use super::{Change, Ident, Name};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme};
use crate::source::Span;

/// The body of a `DO` block or of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its text; the places of steps point into it.
    pub text: Arc<str>,
    /// Where the text begins in the file, where it stands there as it is.
    pub offset: Option<u32>,
    /// What it does.
    pub scope: Scope,
}

/// `DECLARE … BEGIN … EXCEPTION … END`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Variables and their first values.
    pub variables: Vec<(Name, Expression)>,
    /// In order.
    pub steps: Vec<Step>,
    /// `EXCEPTION WHEN …`
    pub handlers: Vec<Handler>,
}

/// `WHEN a OR b THEN …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Names of errors, in lower case.
    pub errors: Vec<Arc<str>>,
    /// What is done then.
    pub steps: Vec<Step>,
}

/// One step of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its words.
    pub span: Span,
    /// What it does.
    pub deed: Deed,
}

/// What a step of a block does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A statement of SQL: all of its words.
    Sql,
    /// `PERFORM …`: the words behind it are those of a query.
    Perform(Span),
    /// `SELECT … INTO …`
    Select {
        /// The variables.
        into: Vec<Name>,
        /// The query, where it is a simple one.
        query: Option<Lookup>,
    },
    /// `EXECUTE …`
    Execute {
        /// The statement.
        text: Expression,
        /// The variables behind `INTO`.
        into: Vec<Name>,
    },
    /// `a := …`
    Assign(Name, Expression),
    /// `IF … THEN … ELSIF … THEN … ELSE … END IF`
    If {
        /// Conditions and what is done where they hold.
        arms: Vec<(Expression, Vec<Step>)>,
        /// What is done otherwise.
        otherwise: Vec<Step>,
    },
    /// `FOREACH a IN ARRAY … LOOP`
    Each(Name, Expression, Vec<Step>),
    /// Any other loop: nobody knows how often it runs.
    Repeat(Vec<Step>),
    /// A block in the block.
    Scope(Scope),
    /// `RAISE EXCEPTION`
    Stop,
    /// `RETURN`
    Return,
    /// `EXIT` or `CONTINUE`
    Leave,
    /// `NULL`, `RAISE NOTICE`
    Nothing,
}

/// How deep blocks and loops may stand in one another.
const DEEPEST: usize = 24;

/// `DO`, after this word.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let mut body = None;
    while !cursor.is_end() {
        if cursor.eat("LANGUAGE") {
            let language = cursor.next()?.text.trim_matches(['\'', '"']);
            if !language.eq_ignore_ascii_case("plpgsql") {
                return None;
            }
        } else {
            body = Some((cursor.here(), cursor.string()?));
        }
    }
    let (span, text) = body?;
    let offset = lex::dollar_quoted(text)
        .map(|(opener, _)| span.start + u32::try_from(opener).unwrap_or_default());
    of(&string_value(text), offset, cursor.dialect).map(Change::Block)
}

/// The block of that text.
pub(super) fn of(text: &str, offset: Option<u32>, dialect: Dialect) -> Option<Block> {
    let tokens = lex::lex(text, dialect).tokens;
    let lexemes = lex::lexemes(text, &tokens);
    let mut cursor = Cursor::new(&lexemes, dialect);
    let scope = scope(&mut cursor, 0)?;
    cursor.end()?;
    Some(Block {
        text: text.into(),
        offset,
        scope,
    })
}

/// The statements of a function that is written in SQL.
pub(super) fn statements(text: &str, dialect: Dialect) -> Block {
    let tokens = lex::lex(text, dialect).tokens;
    let lexemes = lex::lexemes(text, &tokens);
    let steps = lexemes
        .split(|lexeme| lexeme.text == ";")
        .filter(|words| !words.is_empty())
        .map(|words| Step {
            span: span_of(words),
            deed: Deed::Sql,
        });
    Block {
        text: text.into(),
        offset: None,
        scope: Scope {
            steps: steps.collect(),
            ..Scope::default()
        },
    }
}

fn span_of(words: &[Lexeme<'_>]) -> Span {
    match words {
        [] => Span::default(),
        [only] => only.span,
        [first, .., last] => first.span.to(last.span),
    }
}

fn label(cursor: &mut Cursor<'_, '_>) {
    if cursor.eat_sign("<<") {
        cursor.ident();
        cursor.eat_sign(">>");
    }
}

fn scope(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Scope> {
    if depth > DEEPEST {
        return None;
    }
    label(cursor);
    let mut scope = Scope::default();
    if cursor.eat("DECLARE") {
        while !cursor.sees("BEGIN") {
            scope.variables.push(declaration(cursor)?);
        }
    }
    cursor.expect("BEGIN")?;
    scope.steps = steps(cursor, &["END", "EXCEPTION"], depth)?;
    if cursor.eat("EXCEPTION") {
        while cursor.eat("WHEN") {
            let mut errors = Vec::new();
            loop {
                errors.push(cursor.next()?.text.to_lowercase().into());
                if errors
                    .last()
                    .is_some_and(|error: &Arc<str>| &**error == "sqlstate")
                {
                    cursor.next()?;
                }
                if !cursor.eat("OR") {
                    break;
                }
            }
            cursor.expect("THEN")?;
            let steps = steps(cursor, &["END", "WHEN"], depth)?;
            scope.handlers.push(Handler { errors, steps });
        }
    }
    cursor.expect("END")?;
    if !cursor.is_end() && !cursor.sees_sign(";") {
        cursor.ident()?;
    }
    cursor.eat_sign(";");
    Some(scope)
}

fn declaration(cursor: &mut Cursor<'_, '_>) -> Option<(Name, Expression)> {
    let name = cursor.ident()?.name;
    cursor
        .until(|c| c.sees_sign(";") || c.sees_sign(":=") || c.sees_sign("=") || c.sees("DEFAULT"));
    let first = match cursor.eat_sign(":=") || cursor.eat_sign("=") || cursor.eat("DEFAULT") {
        true => expression_until(cursor, |c| c.sees_sign(";")),
        false => Expression::Null,
    };
    cursor.eat_sign(";").then_some((name, first))
}

fn expression_until(
    cursor: &mut Cursor<'_, '_>,
    stop: impl FnMut(&Cursor<'_, '_>) -> bool,
) -> Expression {
    let words = cursor.until(stop);
    expression::read(&Cursor::new(words, cursor.dialect))
}

/// Steps up to one of these words.
fn steps(cursor: &mut Cursor<'_, '_>, ends: &[&str], depth: usize) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !cursor.sees_any(ends) {
        let from = *cursor;
        let deed = deed(cursor, depth)?;
        steps.push(Step {
            span: cursor.span_since(from),
            deed,
        });
        if matches!(steps.last()?.deed, Deed::Scope(_)) {
            continue;
        }
        cursor.eat_sign(";").then_some(())?;
    }
    Some(steps)
}

/// The next step, without its semicolon.
fn deed(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Deed> {
    if cursor.is_end() || depth > DEEPEST {
        return None;
    }
    if cursor.sees_any(&["BEGIN", "DECLARE"]) {
        return Some(Deed::Scope(scope(cursor, depth + 1)?));
    }
    label(cursor);
    if cursor.eat("IF") {
        return condition(cursor, depth + 1);
    }
    if cursor.sees_any(&["FOR", "FOREACH", "WHILE", "LOOP"]) {
        return repeated(cursor, depth + 1);
    }
    if cursor.eat("EXECUTE") {
        return execute(cursor);
    }
    if cursor.eat("PERFORM") {
        let words = cursor.until(|c| c.sees_sign(";"));
        return Some(Deed::Perform(span_of(words)));
    }
    if cursor.eat("RAISE") {
        let stops = !cursor.sees_any(&["NOTICE", "WARNING", "INFO", "DEBUG", "LOG"]);
        cursor.until(|c| c.sees_sign(";"));
        return Some(match stops {
            true => Deed::Stop,
            false => Deed::Nothing,
        });
    }
    for (word, deed) in [
        ("RETURN", Deed::Return),
        ("NULL", Deed::Nothing),
        ("EXIT", Deed::Leave),
        ("CONTINUE", Deed::Leave),
    ] {
        if cursor.eat(word) {
            let rest = cursor.until(|c| c.sees_sign(";"));
            let plain = rest.is_empty() || word != "NULL";
            return plain.then_some(deed);
        }
    }
    // Cursors, diagnostics, assertions and `CASE` are more than the model follows.
    if cursor.sees_any(&[
        "CASE", "OPEN", "FETCH", "CLOSE", "MOVE", "GET", "ASSERT", "COMMIT", "ROLLBACK", "CALL",
    ]) {
        return None;
    }
    if let Some(assigned) = assignment(cursor) {
        return Some(assigned);
    }
    statement(cursor)
}

fn assignment(cursor: &mut Cursor<'_, '_>) -> Option<Deed> {
    let mut ahead = *cursor;
    let Ident { name, .. } = ahead.ident()?;
    let field = ahead.eat_sign(".");
    if field {
        ahead.ident()?;
    }
    if !ahead.eat_sign(":=") && !ahead.eat_sign("=") {
        return None;
    }
    let value = expression_until(&mut ahead, |c| c.sees_sign(";"));
    *cursor = ahead;
    Some(match field {
        true => Deed::Assign(name, Expression::Unknown),
        false => Deed::Assign(name, value),
    })
}

fn condition(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Deed> {
    let mut arms = Vec::new();
    let mut otherwise = Vec::new();
    loop {
        let mut cases = 0_usize;
        let test = expression_until(cursor, |c| {
            if c.sees("CASE") {
                cases += 1;
            } else if c.sees("END") {
                cases = cases.saturating_sub(1);
            }
            cases == 0 && c.sees("THEN")
        });
        cursor.expect("THEN")?;
        let then = steps(cursor, &["ELSIF", "ELSEIF", "ELSE", "END"], depth)?;
        arms.push((test, then));
        if cursor.eat("ELSIF") || cursor.eat("ELSEIF") {
            continue;
        }
        if cursor.eat("ELSE") {
            otherwise = steps(cursor, &["END"], depth)?;
        }
        cursor.expect("END IF")?;
        return Some(Deed::If { arms, otherwise });
    }
}

fn repeated(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Deed> {
    let each = cursor.eat("FOREACH");
    let mut head = None;
    if each {
        let name = cursor.ident()?.name;
        cursor.expect("IN ARRAY")?;
        head = Some((name, expression_until(cursor, |c| c.sees("LOOP"))));
    } else {
        cursor.until(|c| c.sees("LOOP"));
    }
    cursor.expect("LOOP")?;
    let steps = steps(cursor, &["END"], depth)?;
    cursor.expect("END LOOP")?;
    if !cursor.sees_sign(";") {
        cursor.ident()?;
    }
    Some(match head {
        Some((name, list)) => Deed::Each(name, list, steps),
        None => Deed::Repeat(steps),
    })
}

fn execute(cursor: &mut Cursor<'_, '_>) -> Option<Deed> {
    let text = expression_until(cursor, |c| {
        c.sees_sign(";") || c.sees("INTO") || c.sees("USING")
    });
    let into = match cursor.eat("INTO") {
        true => names(cursor)?,
        false => Vec::new(),
    };
    cursor.until(|c| c.sees_sign(";"));
    Some(Deed::Execute { text, into })
}

fn names(cursor: &mut Cursor<'_, '_>) -> Option<Vec<Name>> {
    cursor.eat("STRICT");
    let mut names = Vec::new();
    loop {
        names.push(cursor.object_name()?.name);
        if !cursor.eat_sign(",") {
            return Some(names);
        }
    }
}

/// A statement of SQL, with its results in variables or without.
fn statement(cursor: &mut Cursor<'_, '_>) -> Option<Deed> {
    let from = *cursor;
    let words = cursor.until(|c| c.sees_sign(";"));
    if !from.sees_any(&["SELECT", "WITH"]) {
        return Some(Deed::Sql);
    }
    let mut query = Cursor::new(words, cursor.dialect);
    let before = query.until(|c| c.sees("INTO"));
    if !query.eat("INTO") {
        return Some(Deed::Sql);
    }
    let into = names(&mut query)?;
    let words: Vec<Lexeme<'_>> = before.iter().chain(query.rest()).copied().collect();
    let mut query = Cursor::new(&words, cursor.dialect);
    let query = expression::lookup(&mut query, 0);
    Some(Deed::Select { into, query })
}
