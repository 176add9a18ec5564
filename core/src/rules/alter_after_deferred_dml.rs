//! Tables that are changed while checks of their rows are put off; see the page.

use super::finding::{Finding, Strength};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Data, DataVerb, Kind, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Key};

pub(super) const RULE: Rule = Rule {
    code: "alter-after-deferred-dml",
    group: Group::Order,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("alter_after_deferred_dml.md"),
};

/// A statement whose rows are checked when the transaction ends.
struct Pending<'s> {
    act: Act<'s>,
    table: Key,
    /// Whether it surely has such rows.
    is_sure: bool,
}

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_one_transaction() {
        return Vec::new();
    }
    let mut found = in_section(situation.up());
    found.extend(in_section(situation.down()));
    found
}

fn in_section<'s>(acts: impl Iterator<Item = Act<'s>>) -> Vec<Finding> {
    let mut pending: Vec<Pending<'s>> = Vec::new();
    let mut found = Vec::new();
    for act in acts {
        if act.sets("CONSTRAINTS") {
            pending.clear();
        }
        if let Some(table) = needs_peace(act)
            && let Some(one) = pending.iter().find(|one| one.table == table)
        {
            found.push(finding(act, one));
        }
        pending.extend(puts_off(act));
    }
    found
}

/// The table that a statement changes in a way that the engine refuses while checks are put off.
fn needs_peace(act: Act<'_>) -> Option<Key> {
    let moment = act.before();
    match &act.step.change {
        Change::AlterTable(alter) => {
            let is_name = |verb: &Verb| {
                matches!(
                    verb,
                    Verb::RenameTo(_) | Verb::RenamePart { .. } | Verb::SetSchema(_)
                )
            };
            let is_more = !alter.actions.iter().all(|action| is_name(&action.verb));
            moment.relation(&alter.name).filter(|_| is_more)
        }
        Change::CreateIndex(create) => moment.relation(create.table.as_ref()?),
        Change::Data(data) if data.verb == DataVerb::Truncate => {
            moment.relation(data.targets.first()?)
        }
        Change::Drop(drop) => {
            let mut tables = drop
                .targets
                .iter()
                .filter(|target| target.kind == Kind::Table);
            moment.relation(&tables.next()?.name)
        }
        _ => None,
    }
}

/// What a statement puts off, where it is a foreign key of its table or one that refers to it.
fn puts_off<'s>(act: Act<'s>) -> Option<Pending<'s>> {
    let data = act.data()?;
    let moment = act.before();
    let table = moment.relation(data.targets.first()?)?;
    let is_pending = match data.verb {
        DataVerb::Insert => has_deferred(act, &table, None),
        DataVerb::Update => has_deferred(act, &table, Some(data)),
        DataVerb::Delete => is_referred_to(act, &table),
        DataVerb::Truncate | DataVerb::Merge | DataVerb::Query => false,
    };
    is_pending.then(|| Pending {
        act,
        is_sure: data.verb == DataVerb::Insert && surely_inserts(act, data, &table),
        table,
    })
}

/// Whether a foreign key of the table is checked at the end; for an `UPDATE` one whose columns it
/// writes.
fn has_deferred(act: Act<'_>, table: &Key, update: Option<&Data>) -> bool {
    let Some(table) = act.before().table(table) else {
        return false;
    };
    let mut constraints = table.constraints.values();
    constraints.any(|constraint| {
        let is_deferred = constraint
            .traits
            .iter()
            .any(|text| &**text == "initially deferred");
        let columns = constraint.rule.columns();
        let is_written = update.is_none_or(|data| {
            let mut written = data.columns.iter();
            written.any(|column| columns.contains(&column.name))
        });
        is_deferred && is_written && super::moment::foreign(constraint).is_some()
    })
}

/// Whether rows that refer to a row which is deleted are looked for at the end.
fn is_referred_to(act: Act<'_>, table: &Key) -> bool {
    let moment = act.before();
    moment
        .children(table)
        .into_iter()
        .any(|(child, name, foreign)| {
            let constraint = moment
                .table(child)
                .and_then(|child| child.constraints.get(name));
            let is_deferred = constraint.is_some_and(|constraint| {
                constraint
                    .traits
                    .iter()
                    .any(|text| &**text == "initially deferred")
            });
            is_deferred && &*foreign.on_delete == "no action"
        })
}

/// Whether it puts rows there whatever there is, and nothing may keep them out.
fn surely_inserts(act: Act<'_>, data: &Data, table: &Key) -> bool {
    let lexemes = act.lexemes();
    let has = |word: &str| lexemes.iter().any(|one| one.is(word));
    let mut dependants = act.before().dependants(table).into_iter();
    let has_trigger = dependants.any(|(_, object)| match &object.body {
        Body::Trigger(_) => true,
        Body::Other(other) => other.words == "RULE",
        _ => false,
    });
    has("VALUES") && !has("SELECT") && !has("COPY") && !data.lenient && !has_trigger
}

fn finding(act: Act<'_>, pending: &Pending<'_>) -> Finding {
    let table = &pending.table.name;
    let source = act.situation.source(act.place.section);
    let (strength, label) = match pending.is_sure {
        true => (Strength::Certain, "refused when it runs"),
        false => (
            Strength::Usual,
            "refused as soon as rows wait for their check",
        ),
    };
    act.find_whole(format!(
        "`{table}` is changed while rows of it wait for their check"
    ))
    .strength(strength)
    .label(label)
    .also(
        source.first_line(pending.act.statement.span),
        "these rows are checked when the transaction ends",
    )
    .why(
        "A foreign key that is INITIALLY DEFERRED is looked at when the transaction ends. Until \
             then the engine lets nobody change the table: `it has pending trigger events`. On the \
             empty tables of a test nothing waits.",
    )
    .help("Have the rows checked first:\nSET CONSTRAINTS ALL IMMEDIATE;")
}
