//! Indexes and materialised views that are made anew while others wait; see the page.

use super::finding::{Finding, Strength, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Name, ObjectName};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;
use crate::schema::{Body, Class, Key, PartOf};

pub(super) const RULE: Rule = Rule {
    code: "maintenance-not-concurrent",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("maintenance_not_concurrent.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let maintenance = situation.up().filter(|act| {
        let is_it = matches!(act.step.change, Change::Harmless | Change::Refresh { .. });
        is_it && act.text().starts_with(['r', 'R'])
    });
    let found = maintenance.filter_map(|act| {
        let lexemes = act.lexemes();
        match lexemes.first()? {
            first if first.is("REINDEX") => reindex(act, &lexemes),
            first if first.is("REFRESH") => refresh(act, &lexemes),
            _ => None,
        }
    });
    found.collect()
}

fn is_concurrent(lexemes: &[Lexeme<'_>]) -> bool {
    lexemes.iter().any(|one| one.is("CONCURRENTLY"))
}

fn reindex(act: Act<'_>, lexemes: &[Lexeme<'_>]) -> Option<Finding> {
    let kinds = ["INDEX", "TABLE"];
    let kind = lexemes
        .iter()
        .position(|one| kinds.iter().any(|kind| one.is(kind)))?;
    let name = name_at(act, &lexemes[kind + 1..])?;
    let key = act.before().named(Class::Relation, &name)?;
    let object = act.before().get(&key)?;
    let table = match &object.body {
        Body::Index(index) => index.table.clone(),
        _ => key.clone(),
    };
    let is_old = act.situation.start().get(&key).is_some();
    (is_old && !is_concurrent(lexemes)).then(|| {
        let word = lexemes[kind].text.to_uppercase();
        act.find_whole(format!(
            "nobody can write to `{}` until this is done",
            table.name
        ))
        .label("builds its indexes under a lock")
        .why(
            "Writers wait for the table, and readers for each index while it is built: even \
                 planning a query needs them.",
        )
        .help(format!(
            "Outside of a transaction, beside the traffic:\n\
                 -- @transaction: false\n\
                 REINDEX {word} CONCURRENTLY {name};"
        ))
        .blocks(&table, Work::Build)
    })
}

fn refresh(act: Act<'_>, lexemes: &[Lexeme<'_>]) -> Option<Finding> {
    let at = lexemes.iter().position(|one| one.is("VIEW"))? + 1;
    let concurrent = is_concurrent(lexemes);
    let name = name_at(act, &lexemes[at..])?;
    let key = act.before().named(Class::Relation, &name)?;
    let Body::View(view) = &act.before().get(&key)?.body else {
        return None;
    };
    let is_empty = lexemes.iter().any(|one| one.is("NO"));
    if concurrent {
        let is_known = !view.open && !is_doubted(act, &key);
        return (is_known && !has_unique_index(act, &key)).then(|| refused(act, &name));
    }
    let is_old = act.old_relation(&name).is_some();
    (is_old && !is_empty).then(|| {
        let index = match has_unique_index(act, &key) {
            true => "",
            false => "It needs a unique index on columns of the view.\n",
        };
        act.find_whole(format!("nobody can read `{name}` until its query has run"))
            .label("holds a lock for as long as the query takes")
            .why("Readers wait until the view is filled anew, and until the migration has ended.")
            .help(format!(
                "Let readers go on:\n{index}REFRESH MATERIALIZED VIEW CONCURRENTLY {name};"
            ))
            .blocks(&key, Work::Rewrite)
    })
}

fn refused(act: Act<'_>, name: &ObjectName) -> Finding {
    act.find(
        name.span,
        format!("`{name}` has no unique index for all of its rows"),
    )
    .strength(Strength::Certain)
    .label("refused when it runs")
    .why(
        "CONCURRENTLY compares rows by a unique index on plain columns, without a condition. \
             Without one the engine refuses the statement.",
    )
    .help(format!(
        "Make one first:\nCREATE UNIQUE INDEX ON {name} (…);"
    ))
}

fn has_unique_index(act: Act<'_>, view: &Key) -> bool {
    let indexes = act.before().indexes(view).into_iter();
    let mut unique = indexes.filter(|(_, index)| index.unique && index.condition.is_none());
    unique.any(|(_, index)| {
        let mut parts = index.parts.iter();
        parts.all(|part| matches!(part.what, PartOf::Column(_)))
    })
}

/// Whether something that is not followed may have made an index on it.
fn is_doubted(act: Act<'_>, key: &Key) -> bool {
    let dialect = act.situation.dialect();
    let names = [key.name.clone(), Name::new("*", dialect)];
    let doubt = |name| Key::new(Class::Doubt, Name::new("", dialect), name);
    let mut names = names.into_iter();
    names.any(|name| act.before().get(&doubt(name)).is_some())
}

/// The name that stands there: `a`, `a.b`, behind a `CONCURRENTLY` or not.
fn name_at(act: Act<'_>, lexemes: &[Lexeme<'_>]) -> Option<ObjectName> {
    let lexemes = match lexemes {
        [first, rest @ ..] if first.is("CONCURRENTLY") => rest,
        all => all,
    };
    let first = lexemes.first()?;
    let is_dotted = lexemes
        .get(1)
        .is_some_and(|dot| dot.kind == TokenKind::Operator && dot.text == ".");
    let (schema, last) = match is_dotted {
        true => (act.named(first), lexemes.get(2)?),
        false => (None, first),
    };
    Some(ObjectName {
        schema,
        name: act.named(last)?,
        span: first.span.to(last.span),
    })
}
