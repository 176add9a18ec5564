//! What the model of the schema must know of an engine, as answers to named questions.

use super::Dialect;

/// How names without quotes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folding {
    /// They are kept in lower case, and cases count.
    Lower,
    /// Cases do not count.
    Insensitive,
}

/// Whose habits the model follows where a whole file of them is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Postgres.
    Postgres,
    /// SQLite.
    Sqlite,
    /// MySQL and MariaDB.
    MySql,
}

/// What the model of the schema must know of an engine.
pub(crate) struct Modelling {
    pub(crate) family: Family,
    pub(crate) folding: Folding,
    /// The longest name in bytes, where longer ones are cut in silence.
    pub(crate) longest_name: Option<usize>,
    /// The longest name in letters, where longer ones are refused.
    pub(crate) longest_allowed_name: Option<usize>,
    /// The sign around names that need quotes.
    pub(crate) name_quote: char,
    /// Words that need quotes to be names.
    reserved: &'static [&'static str],
    /// The schema of names without one.
    pub(crate) default_schema: &'static str,
    /// Schemas that the engine brings along and nobody migrates.
    pub(crate) system_schemas: &'static [&'static str],
    /// Beginnings of relations that the engine brings along.
    pub(crate) system_prefixes: &'static [&'static str],
    /// Whether indexes are named within their table and not within their schema.
    pub(crate) indexes_belong_to_tables: bool,
    /// Whether triggers are named within their table and not within their schema.
    pub(crate) triggers_belong_to_tables: bool,
    /// Whether views and the like forbid to drop what they use.
    pub(crate) tracks_dependants: bool,
    /// Whether a foreign key may name a table that is not there (yet).
    pub(crate) foreign_keys_may_dangle: bool,
    /// Whether a name of a relation without schema is looked up along a path.
    pub(crate) has_search_path: bool,
}

impl Modelling {
    /// Whether a word needs quotes to be a name.
    pub(crate) fn reserves(&self, word: &str) -> bool {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        let order = |known: &str| known.bytes().cmp(word.bytes().map(lower));
        self.reserved.binary_search_by(|known| order(known)).is_ok()
    }
}

impl Dialect {
    pub(crate) fn modelling(self) -> &'static Modelling {
        match self {
            Dialect::Postgres => &POSTGRES,
            Dialect::Sqlite => &SQLITE,
            Dialect::MySql | Dialect::MariaDb => &MYSQL,
        }
    }
}

const POSTGRES: Modelling = Modelling {
    family: Family::Postgres,
    folding: Folding::Lower,
    longest_name: Some(63),
    longest_allowed_name: None,
    name_quote: '"',
    reserved: RESERVED,
    default_schema: "public",
    system_schemas: &["pg_catalog", "information_schema", "pg_toast", "pg_temp"],
    system_prefixes: &["pg_"],
    indexes_belong_to_tables: false,
    triggers_belong_to_tables: true,
    tracks_dependants: true,
    foreign_keys_may_dangle: false,
    has_search_path: true,
};

const SQLITE: Modelling = Modelling {
    family: Family::Sqlite,
    folding: Folding::Insensitive,
    longest_name: None,
    longest_allowed_name: None,
    name_quote: '"',
    reserved: RESERVED,
    default_schema: "main",
    system_schemas: &[],
    system_prefixes: &["sqlite_", "pragma_"],
    indexes_belong_to_tables: false,
    triggers_belong_to_tables: false,
    tracks_dependants: false,
    foreign_keys_may_dangle: true,
    has_search_path: false,
};

const MYSQL: Modelling = Modelling {
    family: Family::MySql,
    folding: Folding::Insensitive,
    longest_name: None,
    longest_allowed_name: Some(64),
    name_quote: '`',
    reserved: RESERVED,
    default_schema: "",
    system_schemas: &["mysql", "information_schema", "performance_schema", "sys"],
    system_prefixes: &[],
    indexes_belong_to_tables: true,
    triggers_belong_to_tables: false,
    tracks_dependants: false,
    foreign_keys_may_dangle: false,
    has_search_path: false,
};

/// Words that are no names without quotes in one of the engines, sorted. One list for all: needless
/// quotes do no harm, missing ones do.
const RESERVED: &[&str] = &[
    "add",
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "binary",
    "both",
    "by",
    "cascade",
    "case",
    "cast",
    "change",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "condition",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "database",
    "databases",
    "default",
    "deferrable",
    "delete",
    "desc",
    "describe",
    "distinct",
    "div",
    "do",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "explain",
    "false",
    "fetch",
    "for",
    "force",
    "foreign",
    "freeze",
    "from",
    "full",
    "fulltext",
    "function",
    "grant",
    "group",
    "groups",
    "having",
    "if",
    "ignore",
    "ilike",
    "in",
    "index",
    "initially",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "key",
    "keys",
    "kill",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "lines",
    "load",
    "localtime",
    "localtimestamp",
    "lock",
    "match",
    "mod",
    "natural",
    "not",
    "notnull",
    "null",
    "of",
    "offset",
    "on",
    "only",
    "optimize",
    "option",
    "or",
    "order",
    "outer",
    "over",
    "overlaps",
    "partition",
    "placing",
    "primary",
    "procedure",
    "range",
    "rank",
    "read",
    "references",
    "release",
    "rename",
    "repeat",
    "replace",
    "require",
    "restrict",
    "returning",
    "revoke",
    "right",
    "row",
    "rows",
    "schema",
    "select",
    "session_user",
    "set",
    "show",
    "similar",
    "some",
    "symmetric",
    "system",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "transaction",
    "trigger",
    "true",
    "union",
    "unique",
    "unlock",
    "unsigned",
    "update",
    "usage",
    "use",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "when",
    "where",
    "while",
    "window",
    "with",
    "write",
    "xor",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_found() {
        assert!(RESERVED.is_sorted());
        for word in ["order", "ORDER", "xor", "add"] {
            assert!(POSTGRES.reserves(word), "{word}");
        }
        assert!(!POSTGRES.reserves("orders"));
    }
}
