//! The settings of a table, and what MySQL writes without a verb.

use std::sync::Arc;

use crate::change::cursor::Cursor;
use crate::change::fragment::Fragment;
use crate::change::{TableOption, Verb, index, table};
use crate::dialect::Family;

pub(super) fn option(name: &str, value: &str) -> Verb {
    Verb::SetOption(TableOption {
        name: name.into(),
        value: value.into(),
    })
}

pub(super) fn set_options(cursor: &mut Cursor<'_, '_>) -> Option<Option<Vec<Verb>>> {
    const SWITCHES: &[(&str, &str, &str)] = &[
        ("ENABLE ROW LEVEL SECURITY", "row level security", "on"),
        ("DISABLE ROW LEVEL SECURITY", "row level security", ""),
        ("FORCE ROW LEVEL SECURITY", "force row level security", "on"),
        (
            "NO FORCE ROW LEVEL SECURITY",
            "force row level security",
            "",
        ),
        ("SET LOGGED", "unlogged", ""),
        ("SET UNLOGGED", "unlogged", "on"),
        ("SET WITHOUT CLUSTER", "cluster", ""),
    ];
    if cursor.family() != Family::Postgres {
        return Some(None);
    }
    if let Some((_, name, value)) = SWITCHES.iter().find(|(words, ..)| cursor.eat(words)) {
        return Some(Some(vec![option(name, value)]));
    }
    if cursor.eat("SET WITHOUT OIDS") {
        return Some(Some(vec![Verb::Nothing]));
    }
    for (words, name) in [
        ("CLUSTER ON", "cluster"),
        ("SET TABLESPACE", "tablespace"),
        ("SET ACCESS METHOD", "access method"),
    ] {
        if cursor.eat(words) {
            let value = cursor.ident()?;
            return Some(Some(vec![option(name, value.name.as_str())]));
        }
    }
    if cursor.eat("REPLICA IDENTITY") {
        let value = Fragment::of(cursor.until(|cursor| cursor.sees_sign(",")), cursor.dialect);
        let value = match &*value.text {
            "default" => "".into(),
            _ => value.text,
        };
        return Some(Some(vec![option("replica identity", &value)]));
    }
    if cursor.eat("SET") {
        let options = cursor.option_list()?;
        return Some(Some(options.into_iter().map(Verb::SetOption).collect()));
    }
    if cursor.eat("RESET") {
        let options = cursor.option_list()?;
        let reset = options
            .into_iter()
            .map(|option| Verb::ResetOption(option.name));
        return Some(Some(reset.collect()));
    }
    if let Some(state) = cursor.eat_any(&[
        "ENABLE ALWAYS TRIGGER",
        "ENABLE REPLICA TRIGGER",
        "ENABLE TRIGGER",
        "DISABLE TRIGGER",
    ]) {
        let state: Arc<str> = state.trim_end_matches(" TRIGGER").to_lowercase().into();
        let all = cursor.sees_any(&["ALL", "USER"]);
        let trigger = cursor.ident()?;
        return Some(Some(vec![Verb::TriggerState {
            trigger: (!all).then_some(trigger),
            state,
        }]));
    }
    if cursor.sees_any(&[
        "ENABLE RULE",
        "DISABLE RULE",
        "ENABLE ALWAYS RULE",
        "OPTIONS",
    ]) {
        return Some(Some(vec![Verb::Other(cursor.fragment())]));
    }
    if cursor.eat("DEPENDS ON EXTENSION") || cursor.eat("NO DEPENDS ON EXTENSION") {
        cursor.ident()?;
        return Some(Some(vec![Verb::Nothing]));
    }
    Some(None)
}

pub(super) fn mysql(cursor: &mut Cursor<'_, '_>) -> Option<Verb> {
    if index::skip_algorithm(cursor) || cursor.eat("FORCE") {
        return Some(Verb::Nothing);
    }
    if cursor.eat_any(&["DISABLE KEYS", "ENABLE KEYS"]).is_some() {
        return Some(Verb::Nothing);
    }
    if cursor.sees_any(&[
        "CONVERT TO",
        "PARTITION BY",
        "REMOVE PARTITIONING",
        "REORGANIZE",
        "TRUNCATE PARTITION",
        "EXCHANGE",
        "COALESCE",
        "ORDER BY",
        "DISCARD",
        "IMPORT",
        "ANALYZE",
        "OPTIMIZE",
        "REBUILD",
        "ADD PARTITION",
    ]) {
        return Some(Verb::Other(Fragment::of(
            cursor.until(|cursor| cursor.sees_sign(",")),
            cursor.dialect,
        )));
    }
    if cursor.eat("WITH VALIDATION") || cursor.eat("WITHOUT VALIDATION") {
        return Some(Verb::Nothing);
    }
    table::mysql_option(cursor).map(Verb::SetOption)
}
