//! Statements about rows: what they name must be there.

use super::{Done, Replay};
use crate::change::{Data, DataVerb, Kind, Uses};
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Rule};

/// Words in the body of a function that change the schema.
const DOING: &[&str] = &[
    "create", "alter", "drop", "execute", "grant", "revoke", "comment",
];

/// Functions of the engine that a query may call without touching the schema.
const KNOWN: &[&str] = &[
    "setval",
    "set_config",
    "nextval",
    "currval",
    "lastval",
    "count",
    "max",
    "min",
    "sum",
    "avg",
    "coalesce",
    "now",
    "exists",
    "nullif",
    "greatest",
    "least",
    "lower",
    "upper",
    "cast",
    "concat",
    "length",
    "replace",
    "substr",
    "substring",
    "trim",
    "round",
    "floor",
    "ceil",
    "abs",
    "date",
    "datetime",
    "strftime",
    "random",
    "gen_random_uuid",
    "uuid_generate_v4",
    "to_char",
    "to_json",
    "to_jsonb",
    "row_number",
    "string_agg",
    "array_agg",
    "json_agg",
    "jsonb_agg",
    "unnest",
    "generate_series",
    "version",
    "current_setting",
    "hex",
    "randomblob",
    "json_extract",
    "format",
    "md5",
    "encode",
    "decode",
    "array_length",
    "char_length",
    "ifnull",
    "group_concat",
    "unixepoch",
    "over",
    "rank",
    "dense_rank",
    "row",
    "any",
    "some",
    "all",
    "in",
    "values",
    "as",
    "and",
    "or",
    "on",
    "select",
    "not",
    "when",
    "then",
    "else",
    "where",
    "by",
    "filter",
    "interval",
    "extract",
    "date_trunc",
    "json_build_object",
    "jsonb_build_object",
    "position",
    "sleep",
    "uuid",
    "if",
    "changes",
    "last_insert_rowid",
    "typeof",
    "quote",
    "total_changes",
    "using",
    "from",
    "join",
    "with",
    "union",
    "except",
    "intersect",
    "distinct",
    "first_value",
    "last_value",
    "lag",
    "lead",
];

impl Replay<'_> {
    pub(super) fn data(&mut self, data: &Data) -> Done {
        for table in &data.targets {
            let key = self.relation(table, Kind::Table)?;
            for column in &data.columns {
                let Some(table) = self.table(&key) else { break };
                let known = table.column(&column.name).is_some()
                    || table.open
                    || !table.nature.is_empty()
                    || !table.inherits.is_empty()
                    || self.is_row_name(column.name.key());
                if !known {
                    return self.missing_column(&key, column);
                }
            }
        }
        self.reads(&data.uses);
        self.rows(data);
        self.calls(data);
        Some(())
    }

    /// Follows which tables hold rows that migrations put there, and what those forbid.
    fn rows(&mut self, data: &Data) {
        let filled = |replay: &Self, key: &Key| replay.table(key).is_some_and(|table| table.filled);
        let sources: Vec<Key> = data
            .uses
            .relations
            .iter()
            .filter_map(|used| self.find(Class::Relation, &used.name))
            .collect();
        if data.single && sources.iter().any(|key| filled(self, key)) {
            self.unknown(self.span, "a subquery for one value may find several rows");
        }
        for target in &data.targets {
            let Some(key) = self.find(Class::Relation, target) else {
                continue;
            };
            match data.verb {
                DataVerb::Insert | DataVerb::Merge => {
                    let others: Vec<&Key> =
                        sources.iter().filter(|source| **source != key).collect();
                    if others.is_empty() || others.iter().any(|source| filled(self, source)) {
                        self.update_table(&key, |table| table.filled = true);
                    }
                }
                DataVerb::Delete | DataVerb::Truncate => self.rows_refer(&key, target.span),
                DataVerb::Update | DataVerb::Query => {}
            }
        }
    }

    /// Rows of other tables may refer to those that are deleted.
    fn rows_refer(&mut self, key: &Key, span: crate::source::Span) {
        if !self.modelling.tracks_dependants || !self.table(key).is_some_and(|table| table.filled) {
            self.session.emptied.push(key.clone());
            return;
        }
        let holds = |dependant: &&Key| {
            self.table(dependant).is_some_and(|table| {
                table.filled
                    && table
                        .constraints
                        .values()
                        .any(|constraint| match &constraint.rule {
                            Rule::Foreign(foreign) => {
                                foreign.table == *key
                                    && matches!(&*foreign.on_delete, "no action" | "restrict")
                            }
                            _ => false,
                        })
            })
        };
        let holder = self
            .schema
            .dependants(key)
            .filter(holds)
            .find(|dependant| !self.session.emptied.contains(dependant) && *dependant != key)
            .cloned();
        self.session.emptied.push(key.clone());
        if let Some(holder) = holder {
            self.unknown(
                span,
                format!(
                    "rows of `{}` may refer to those that are deleted",
                    holder.name
                ),
            );
        }
    }

    /// Names by which every row is known without a column of that name.
    fn is_row_name(&self, name: &str) -> bool {
        self.modelling.family == Family::Sqlite && matches!(name, "rowid" | "oid" | "_rowid_")
            || matches!(name, "ctid" | "xmin" | "tableoid")
    }

    /// What a query reads must be there.
    pub(super) fn reads(&mut self, uses: &Uses) {
        if !uses.complete {
            return;
        }
        for used in &uses.relations {
            let known = self.find(Class::Relation, &used.name).is_some();
            if !known && self.is_sure(&used.name) {
                self.missing(&used.name, Kind::Table);
                return;
            }
        }
    }

    /// A function may change the schema: one that the model knows by its body, and one that it
    /// does not know when nothing but the call is left of the statement.
    fn calls(&mut self, data: &Data) {
        for function in &data.uses.functions {
            let place = self.new_key(Class::Routine, function);
            let bodies: Vec<Key> = self
                .schema
                .in_schema(Class::Routine, &place.schema)
                .filter(|(key, _)| key.name == place.name)
                .map(|(key, _)| key.clone())
                .collect();
            let acts = bodies
                .iter()
                .any(|key| match self.schema.get(key).map(|o| &o.body) {
                    Some(Body::Routine(routine)) => {
                        let body = routine.body.to_lowercase();
                        body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                            .any(|word| DOING.contains(&word))
                    }
                    _ => false,
                });
            let name = function.name.key();
            let unheard = bodies.is_empty()
                && data.verb == DataVerb::Query
                && !KNOWN.contains(&name)
                && !name.starts_with("pg_")
                && !name.starts_with("json");
            if acts || unheard {
                let why = format!("the function `{function}` may change anything");
                let mut mentions = data.mentions.clone();
                let mut dynamic = unheard;
                let mut reshapes = unheard;
                for key in &bodies {
                    if let Some(Body::Routine(routine)) = self.schema.get(key).map(|o| &o.body) {
                        let body = routine.body.clone();
                        dynamic |= body.to_lowercase().contains("execute");
                        reshapes |= crate::change::changes_columns(&body, self.schema.dialect());
                        mentions.extend(
                            crate::change::Fragment::parse(&body, self.schema.dialect())
                                .names(self.schema.dialect()),
                        );
                    }
                }
                self.opaque(&why, &mentions, dynamic, reshapes);
                return;
            }
        }
    }
}
