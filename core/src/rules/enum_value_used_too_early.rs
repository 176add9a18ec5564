//! Labels of an enum that are used before they are committed; see the page.

use super::finding::{Finding, Strength};
use super::moment::Moment;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{
    Change, ColumnChange, ColumnDef, ColumnOption, Data, DataVerb, Name, ObjectName, TableElement,
    TypeAction, Uses, Verb,
};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;
use crate::schema::{Body, Class, Key};
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "enum-value-used-too-early",
    group: Group::Order,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("enum_value_used_too_early.md"),
};

/// A label that a transaction has added.
struct Added<'s> {
    act: Act<'s>,
    key: Key,
    label: &'s str,
    /// As it stands in SQL.
    literal: String,
}

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_one_transaction() {
        return Vec::new();
    }
    let mut found = in_section(situation.up(), situation.start());
    found.extend(in_section(situation.down(), situation.middle()));
    found
}

fn in_section<'s>(acts: impl Iterator<Item = Act<'s>>, began: Moment<'s>) -> Vec<Finding> {
    let mut added: Vec<Added<'s>> = Vec::new();
    let mut found = Vec::new();
    for act in acts {
        let used = added
            .iter()
            .filter_map(|one| Some((one, use_of(act, one)?)));
        found.extend(used.map(|(one, span)| finding(act, one, span)));
        added.extend(labels(act, began));
    }
    found
}

/// The labels that a statement adds to types which were there when the transaction began.
fn labels<'s>(act: Act<'s>, began: Moment<'s>) -> Vec<Added<'s>> {
    let Change::AlterType(alter) = &act.step.change else {
        return Vec::new();
    };
    let Some(key) = act.before().named(Class::Type, &alter.name) else {
        return Vec::new();
    };
    // Of a type that is as young as its label, newer servers know that nobody else has seen it.
    let Some(Body::Enum(known)) = began.get(&key).map(|object| &object.body) else {
        return Vec::new();
    };
    let new = alter.actions.iter().filter_map(|action| match action {
        TypeAction::AddValue { label, .. } if !known.contains(label) => Some(&**label),
        _ => None,
    });
    new.map(|label| Added {
        act,
        key: key.clone(),
        label,
        literal: format!("'{}'", label.replace('\'', "''")),
    })
    .collect()
}

/// Where a statement surely takes a text for that label.
fn use_of(act: Act<'_>, added: &Added<'_>) -> Option<Span> {
    if !act.text().contains(&added.literal) {
        return None;
    }
    let lexemes = act.lexemes();
    let places = lexemes.iter().enumerate();
    let mut places = places.filter(|(_, lexeme)| lexeme.text == added.literal);
    let by_words = places.find(|(at, _)| {
        is_cast(act, &lexemes, *at, &added.key) || is_compared(act, &lexemes, *at, &added.key)
    });
    by_words
        .map(|(_, lexeme)| lexeme.span)
        .or_else(|| as_default(act, added))
        .or_else(|| as_row(act, &lexemes, added))
}

/// `'x'::kind`, `CAST('x' AS kind)`
fn is_cast(act: Act<'_>, lexemes: &[Lexeme<'_>], at: usize, key: &Key) -> bool {
    let behind = &lexemes[at + 1..];
    let is_call = at >= 2 && lexemes[at - 1].text == "(" && lexemes[at - 2].is("CAST");
    let name = match behind {
        [colons, name @ ..] if colons.text == "::" => name,
        [word, name @ ..] if is_call && word.is("AS") => name,
        _ => return false,
    };
    let name = match name {
        [schema, dot, name, rest @ ..] if dot.text == "." => (Some(schema), name, rest),
        [name, rest @ ..] => (None, name, rest),
        [] => return false,
    };
    let (schema, name, rest) = name;
    let is_array = rest.first().is_some_and(|next| next.text == "[");
    let Some(last) = act.named(name) else {
        return false;
    };
    let name = ObjectName {
        schema: schema.and_then(|schema| act.named(schema)),
        name: last,
        span: name.span,
    };
    !is_array && act.before().named(Class::Type, &name).as_ref() == Some(key)
}

/// `a = 'x'`, `a <> 'x'`, `a IN ('w', 'x')`, where `a` is a column of that type.
fn is_compared(act: Act<'_>, lexemes: &[Lexeme<'_>], at: usize, key: &Key) -> bool {
    // What stands behind may bind the text to something else: `'x' || b`, `'x'::text`.
    let behind = lexemes.get(at + 1);
    let is_whole = behind.is_none_or(|next| next.kind != TokenKind::Operator || next.text == ",");
    let listed = lexemes[..at]
        .iter()
        .rev()
        .take_while(|one| one.kind == TokenKind::String || one.text == ",");
    let before = &lexemes[..at - listed.count()];
    let column = match before {
        [column @ .., sign] if is_comparison(sign) && before.len() == at => column,
        [column @ .., word, open] if open.text == "(" && word.is("IN") => match column {
            [column @ .., not] if not.is("NOT") => column,
            column => column,
        },
        _ => return false,
    };
    let (qualifier, column) = match column {
        [.., qualifier, dot, column] if dot.text == "." => (Some(qualifier), column),
        [.., column] => (None, column),
        [] => return false,
    };
    let Some(column) = act.named(column).filter(|_| is_whole) else {
        return false;
    };
    let qualifier = qualifier.and_then(|qualifier| act.named(qualifier));
    // A query inside of another may have a column of that name and of another type.
    let queries = lexemes.iter().filter(|one| one.is("SELECT")).count();
    let is_plain = queries <= usize::from(matches!(act.step.change, Change::CreateView(_)));
    is_plain && is_column(act, qualifier.as_ref(), &column, key)
}

fn is_comparison(sign: &Lexeme<'_>) -> bool {
    matches!(sign.text, "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=")
}

/// Whether every table of the statement that has such a column has it of that type, and one does.
fn is_column(act: Act<'_>, qualifier: Option<&Name>, column: &Name, key: &Key) -> bool {
    let moment = act.before();
    let mut is_known = true;
    let mut types = Vec::new();
    for (name, alias) in relations(act) {
        let is_meant = qualifier.is_none_or(|one| *one == alias.unwrap_or(&name.name).clone());
        if !is_meant {
            continue;
        }
        let key = moment.relation(name);
        match key.and_then(|key| moment.table(&key)) {
            Some(table) => types.extend(table.column(column).map(|found| &found.user_type)),
            None => is_known = false,
        }
    }
    is_known && !types.is_empty() && types.iter().all(|found| found.as_ref() == Some(key))
}

/// The relations whose columns a statement may name, each with what it calls it.
fn relations<'s>(act: Act<'s>) -> Vec<(&'s ObjectName, Option<&'s Name>)> {
    let used = |uses: &'s Uses| {
        let relations = uses.relations.iter();
        relations.map(|used| (&used.name, used.alias.as_ref()))
    };
    match &act.step.change {
        Change::Data(data) => {
            let mut found: Vec<_> = used(&data.uses).collect();
            let is_aliased =
                |name: &ObjectName| found.iter().any(|(used, _)| used.name == name.name);
            let targets: Vec<_> = data
                .targets
                .iter()
                .filter(|name| !is_aliased(name))
                .collect();
            found.extend(targets.into_iter().map(|name| (name, None)));
            found
        }
        Change::CreateView(create) => used(&create.query.uses).collect(),
        Change::CreateIndex(create) => create.table.iter().map(|name| (name, None)).collect(),
        Change::AlterTable(alter) => vec![(&alter.name, None)],
        _ => Vec::new(),
    }
}

/// `DEFAULT 'x'`
fn as_default(act: Act<'_>, added: &Added<'_>) -> Option<Span> {
    let of_column = |column: &ColumnDef| {
        let moment = act.before();
        let name =
            super::volatile::type_name(&column.data_type.as_ref()?.text, act.situation.dialect());
        let is_it = moment.named(Class::Type, &name).as_ref() == Some(&added.key);
        column.options.iter().find_map(|option| match option {
            ColumnOption::Default(value) if is_it && *value.text == *added.literal => {
                Some(value.span)
            }
            _ => None,
        })
    };
    match &act.step.change {
        Change::CreateTable(create) => create.elements.iter().find_map(|element| match element {
            TableElement::Column(column) => of_column(column),
            _ => None,
        }),
        Change::AlterTable(alter) => alter.actions.iter().find_map(|action| match &action.verb {
            Verb::AddColumn { column, .. } => of_column(column),
            Verb::AlterColumn {
                column,
                change: ColumnChange::SetDefault(value),
            } => {
                let is_it = is_column(act, None, &column.name, &added.key);
                (is_it && *value.text == *added.literal).then_some(value.span)
            }
            _ => None,
        }),
        _ => None,
    }
}

/// `INSERT INTO t (a, b) VALUES (1, 'x')`
fn as_row(act: Act<'_>, lexemes: &[Lexeme<'_>], added: &Added<'_>) -> Option<Span> {
    let data: &Data = act.data().filter(|data| data.verb == DataVerb::Insert)?;
    let moment = act.before();
    let table = moment.table(&moment.relation(data.targets.first()?)?)?;
    let named = data.columns.iter().map(|column| &column.name);
    let all = table.columns.iter().map(|column| &column.name);
    let columns: Vec<&Name> = match data.columns.is_empty() {
        true if table.open => return None,
        true => all.collect(),
        false => named.collect(),
    };
    let values = lexemes.iter().position(|one| one.is("VALUES"))?;
    let mut place = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate().skip(values) {
        let is_alone =
            |next: Option<&Lexeme<'_>>| next.is_none_or(|next| matches!(next.text, "," | ")"));
        match lexeme.text {
            "(" => place.push(0),
            ")" => drop(place.pop()),
            "," => place.iter_mut().rev().take(1).for_each(|count| *count += 1),
            text if text == added.literal && is_alone(lexemes.get(at + 1)) => {
                let is_first = matches!(lexemes[at - 1].text, "," | "(");
                let column = match place.as_slice() {
                    [count] if is_first => table.column(columns.get(*count)?),
                    _ => None,
                };
                if column.is_some_and(|column| column.user_type.as_ref() == Some(&added.key)) {
                    return Some(lexeme.span);
                }
            }
            _ => {}
        }
    }
    None
}

fn finding(act: Act<'_>, added: &Added<'_>, span: Span) -> Finding {
    let source = act.situation.source(added.act.place.section);
    act.find(
        span,
        format!("`{}` is used in the transaction that adds it", added.label),
    )
    .strength(Strength::Certain)
    .label("not committed yet, so the engine refuses it")
    .also(source.first_line(added.act.statement.span), "added here")
    .why(
        "A label that is added to an enum can be used when its transaction has ended, and not \
         before. The statement fails on an empty table too.",
    )
    .help("Leave ALTER TYPE … ADD VALUE here, and move this statement to the next migration.")
}
