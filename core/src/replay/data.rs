//! Statements about rows: what they name must be there.

mod rows;

use super::{Done, Replay};
use crate::change::{Data, DataVerb, Kind, Name, Uses};
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

/// What else SQLite brings along, and words that stand before parentheses.
const SQLITE: &[&str] = &[
    "avg",
    "char",
    "concat_ws",
    "glob",
    "iif",
    "instr",
    "julianday",
    "like",
    "likelihood",
    "likely",
    "ltrim",
    "octet_length",
    "printf",
    "rtrim",
    "sign",
    "soundex",
    "sqlite_version",
    "time",
    "timediff",
    "total",
    "unhex",
    "unicode",
    "unlikely",
    "zeroblob",
    "median",
    "percent_rank",
    "cume_dist",
    "ntile",
    "nth_value",
    "pow",
    "power",
    "sqrt",
    "exp",
    "ln",
    "log",
    "mod",
    "ceiling",
    "trunc",
    "pi",
    "conflict",
    "recursive",
    "materialized",
    "columns",
    "returning",
    "do",
    "partition",
    "groups",
    "rows",
    "match",
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
        self.counts_fit(&data.uses)?;
        self.texts_fit(data)?;
        self.columns_fit(&data.uses);
        self.plain_columns_fit(data);
        self.values_fit(data);
        self.sequences_fit(data);
        self.functions_fit(&data.uses);
        self.reads(&data.uses);
        self.rows(data);
        self.calls(data);
        Some(())
    }

    /// Refuses a call of an engine's own function with too few or too many arguments.
    fn counts_fit(&mut self, uses: &Uses) -> Done {
        let Some((function, arguments)) = &uses.miscounted else {
            return Some(());
        };
        // A function of that name may have been made besides.
        if self.lost_sight() || self.function(function, 0).is_some() {
            return Some(());
        }
        self.refuse(super::Finding {
            code: "unknown-function",
            span: function.span,
            message: format!("there is no function `{function}` of {arguments} arguments"),
            why: "The engine knows it with three: the text, what to look for, what to put there."
                .to_owned(),
            help: "Give it three arguments.".to_owned(),
            missing: None,
        })
    }

    /// Refuses to compare a whole number with a text that is none.
    fn texts_fit(&mut self, data: &Data) -> Done {
        let [target] = data.targets.as_slice() else {
            return Some(());
        };
        let alone = data
            .uses
            .relations
            .iter()
            .all(|used| used.name.name == target.name);
        let Some(key) = self.find(Class::Relation, target).filter(|_| alone) else {
            return Some(());
        };
        if self.may_have_more(&key) {
            return Some(());
        }
        let whole = |name: &Name| {
            self.table(&key)
                .and_then(|table| table.column(name))
                .is_some_and(|column| {
                    matches!(&*column.data_type, "integer" | "bigint" | "smallint")
                })
        };
        let Some((column, text)) = data.worded.iter().find(|(column, _)| whole(&column.name))
        else {
            return Some(());
        };
        self.refuse(super::Finding {
            code: "unsupported-by-engine",
            span: column.span,
            message: format!(
                "column `{}` holds whole numbers, and '{text}' is none",
                column.name
            ),
            why: "The engine reads the text as a number before it compares or stores it."
                .to_owned(),
            help: "Write a number, or change the type of the column first.".to_owned(),
            missing: None,
        })
    }

    /// Notes columns with a table before them that this table does not have.
    fn columns_fit(&mut self, uses: &Uses) {
        for (qualifier, column) in &uses.columns {
            let Some(qualifier) = qualifier else { continue };
            let mut same = uses
                .relations
                .iter()
                .filter(|used| used.alias.as_ref().unwrap_or(&used.name.name) == qualifier);
            let (Some(used), None) = (same.next(), same.next()) else {
                continue;
            };
            let Some(key) = self.find(Class::Relation, &used.name) else {
                continue;
            };
            let lacks = self.table(&key).is_some_and(|table| {
                table.column(&column.name).is_none()
                    && table.nature.is_empty()
                    && table.inherits.is_empty()
            });
            if lacks && !self.may_have_more(&key) && !self.is_row_name(column.name.key()) {
                self.unknown(
                    column.span,
                    format!(
                        "`{}` is not known to have a column `{}`",
                        key.name, column.name
                    ),
                );
                return;
            }
        }
    }

    /// Notes functions that SQLite does not bring along: a program may, and the next may not.
    fn functions_fit(&mut self, uses: &Uses) {
        if self.modelling.family != Family::Sqlite {
            return;
        }
        let own = |name: &str| {
            KNOWN.contains(&name)
                || SQLITE.contains(&name)
                || self.modelling.reserves(name)
                || name.starts_with("json")
        };
        let strange = uses.functions.iter().find(|function| {
            !own(function.name.key()) && self.find(Class::Relation, function).is_none()
        });
        if let Some(function) = strange {
            self.unknown(
                function.span,
                format!("the function `{function}` is none of the engine's own"),
            );
        }
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
                    let forbids_null = self.table(&key).is_some_and(|table| {
                        table
                            .columns
                            .iter()
                            .any(|column| column.not_null && column.default.is_none())
                    });
                    if data.may_be_null && forbids_null {
                        self.unknown(target.span, "a subquery for a value may find no row");
                    }
                    self.rows_double(data, &key, target.span);
                    self.session.inserted.insert(key.clone());
                    if others.is_empty() || others.iter().any(|source| filled(self, source)) {
                        self.update_table(&key, |table| table.filled = true);
                    }
                }
                DataVerb::Delete | DataVerb::Truncate => self.rows_refer(&key, target.span),
                DataVerb::Update | DataVerb::Query => {}
            }
        }
    }

    /// Rows that the UP has put there may be in the way of those of the DOWN.
    fn rows_double(&mut self, data: &Data, key: &Key, span: crate::source::Span) {
        let unique = self.table(key).is_some_and(|table| {
            table.constraints.values().any(|constraint| {
                matches!(constraint.rule, Rule::PrimaryKey(..) | Rule::Unique(..))
            })
        });
        if unique
            && !data.lenient
            && self.session.inserted_before.contains(key)
            && !self.session.emptied.contains(key)
            && self.table(key).is_some_and(|table| table.filled)
        {
            self.unknown(span, format!("rows of `{}` may be there already", key.name));
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

    /// Whether the body of a function has words in it that change the schema.
    pub(super) fn acts(&self, function: &Key) -> bool {
        match self.schema.get(function).map(|object| &object.body) {
            Some(Body::Routine(routine)) => {
                let body = routine.body.to_lowercase();
                body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .any(|word| DOING.contains(&word))
            }
            _ => false,
        }
    }

    /// Follows functions that are all there is to a query, where the model knows every one of them.
    fn follows(&mut self, data: &Data) -> bool {
        let known: Option<Vec<Key>> = data
            .calls
            .iter()
            .map(|call| self.function(&call.function, call.arguments.len()))
            .collect();
        let Some(known) = known.filter(|known| !known.is_empty()) else {
            return false;
        };
        let mut followed = true;
        for (key, call) in known.iter().zip(&data.calls) {
            let findings = self.outcome.findings.len();
            let around = self.variables.clone();
            followed &= self.call(key, &call.arguments, &around).is_some();
            if self.outcome.findings.len() > findings {
                return true;
            }
        }
        followed
    }

    /// A function may change the schema: one that the model knows by its body, and one that it
    /// does not know when nothing but the call is left of the statement.
    fn calls(&mut self, data: &Data) {
        if self.follows(data) {
            return;
        }
        for function in &data.uses.functions {
            let place = self.new_key(Class::Routine, function);
            let bodies: Vec<Key> = self
                .schema
                .in_schema(Class::Routine, &place.schema)
                .filter(|(key, _)| key.name == place.name)
                .map(|(key, _)| key.clone())
                .collect();
            let acts = bodies.iter().any(|key| self.acts(key));
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
