//! The SQL of each engine, as answers to named questions.
//!
//! This is the only module of the crate that names an engine; the rest asks. The answers stand as
//! one table for each engine in the files beside it. What a statement means to the schema is not
//! asked here.

#[cfg(feature = "model")]
mod model;
mod mysql;
pub(crate) mod phrase;
mod postgres;
#[cfg(feature = "model")]
mod server;
mod sqlite;

#[cfg(feature = "model")]
pub(crate) use model::{Family, Folding, Modelling};
use serde::{Deserialize, Serialize};

use phrase::Phrase;

#[cfg(feature = "model")]
/// The dialect whose casts the model reads.
pub(crate) const POSTGRES: Dialect = Dialect::Postgres;

/// The SQL that the migrations of a folder are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
}

impl Dialect {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Dialect; 4] = [
        Dialect::Postgres,
        Dialect::Sqlite,
        Dialect::MySql,
        Dialect::MariaDb,
    ];

    /// The name in `backstitch.toml` and in the macro.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Postgres => "postgres",
            Dialect::Sqlite => "sqlite",
            Dialect::MySql => "mysql",
            Dialect::MariaDb => "mariadb",
        }
    }

    /// The name that people know the engine by.
    pub const fn title(self) -> &'static str {
        match self {
            Dialect::Postgres => "Postgres",
            Dialect::Sqlite => "SQLite",
            Dialect::MySql => "MySQL",
            Dialect::MariaDb => "MariaDB",
        }
    }

    /// The database in the types of `sqlx` that runs it: `Migrations<Postgres>`.
    pub const fn driver(self) -> &'static str {
        match self {
            Dialect::Postgres => "Postgres",
            Dialect::Sqlite => "Sqlite",
            Dialect::MySql | Dialect::MariaDb => "MySql",
        }
    }

    /// The dialect of that [`name`](Dialect::name).
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
    }

    /// The engine that a URL leads to, by what stands before its first colon.
    pub fn of_url(url: &str) -> Option<Dialect> {
        let (scheme, _) = url.split_once(':')?;
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => Some(Dialect::Postgres),
            "sqlite" => Some(Dialect::Sqlite),
            "mysql" => Some(Dialect::MySql),
            "mariadb" => Some(Dialect::MariaDb),
            _ => None,
        }
    }

    /// Whether another engine is reached by the same driver, and called by the same URL by many.
    pub const fn has_sibling(self) -> bool {
        match self {
            Dialect::Postgres | Dialect::Sqlite => false,
            Dialect::MySql | Dialect::MariaDb => true,
        }
    }

    /// Whether a check without a name gets one by which it can be dropped from the table's.
    pub const fn names_checks_by_table(self) -> bool {
        match self {
            Dialect::Postgres | Dialect::Sqlite | Dialect::MySql => true,
            Dialect::MariaDb => false,
        }
    }

    /// Whether a URL of this one leads to no other.
    pub const fn is_sure_by_url(self) -> bool {
        match self {
            Dialect::Postgres | Dialect::Sqlite | Dialect::MariaDb => true,
            Dialect::MySql => false,
        }
    }

    /// Of this one and its sibling, the one that the server is by what it tells of its version.
    pub fn of_server(self, version: &str) -> Dialect {
        match (self.has_sibling(), version.contains("MariaDB")) {
            (false, _) => self,
            (true, true) => Dialect::MariaDb,
            (true, false) => Dialect::MySql,
        }
    }

    /// Whether DDL is part of a transaction and goes back with it. Where it is not, the engine
    /// commits before each such statement.
    pub fn has_transactional_ddl(self) -> bool {
        self.grammar().implicit_commits.is_empty()
    }

    /// Whether foreign keys are switched by a setting that a transaction ignores, so that the
    /// runner must do it (`@foreignKeys: off`).
    pub fn switches_foreign_keys_outside_transactions(self) -> bool {
        self.grammar()
            .pragmas_outside_transactions
            .iter()
            .any(|(name, _)| *name == "foreign_keys")
    }

    /// Whether `$tag$ … $tag$` is a string.
    pub fn has_dollar_quotes(self) -> bool {
        self.grammar().dollar_quotes
    }

    /// Whether `/* /* */ */` is one comment.
    pub fn nests_comments(self) -> bool {
        self.grammar().nested_comments
    }

    /// Whether a backslash escapes the next character in a string without prefix.
    pub fn has_backslash_escapes(self) -> bool {
        self.grammar().backslash_escapes
    }

    /// The sign that ends a name which begins with the sign `open`, when that quotes names.
    pub fn quotes_names_with(self, open: char) -> Option<char> {
        let quotes = self.grammar().name_quotes;
        let &(_, close) = quotes
            .iter()
            .find(|(quote, _)| char::from(*quote) == open)?;
        Some(char::from(close))
    }

    pub(crate) fn grammar(self) -> &'static Grammar {
        match self {
            Dialect::Postgres => &postgres::GRAMMAR,
            Dialect::Sqlite => &sqlite::GRAMMAR,
            Dialect::MySql => &mysql::MYSQL,
            Dialect::MariaDb => &mysql::MARIADB,
        }
    }
}

/// What the lexer, the splitter and the inspection of statements must know of an engine.
///
/// Words in these tables are in upper case.
pub(crate) struct Grammar {
    /// Pairs of signs that quote a name.
    pub(crate) name_quotes: &'static [(u8, u8)],
    /// Signs that quote a string.
    pub(crate) string_quotes: &'static [u8],
    /// Letters that may stand directly before the quote of a string.
    pub(crate) string_prefixes: &'static [&'static str],
    /// Those of them after which a backslash escapes.
    pub(crate) escaping_prefixes: &'static [&'static str],
    /// Letters that may stand directly before the double quote of a name.
    pub(crate) name_prefixes: &'static [&'static str],
    /// Whether a word that begins with `_` and touches a string belongs to it (`_utf8mb4'…'`).
    pub(crate) charset_introducers: bool,
    /// See [`Dialect::has_backslash_escapes`].
    pub(crate) backslash_escapes: bool,
    /// See [`Dialect::has_dollar_quotes`].
    pub(crate) dollar_quotes: bool,
    /// See [`Dialect::nests_comments`].
    pub(crate) nested_comments: bool,
    /// Whether `#` begins a comment.
    pub(crate) hash_comments: bool,
    /// Whether `--` begins a comment only before a blank or the end of the text.
    pub(crate) dashes_need_blank: bool,
    /// Whether a carriage return alone ends a line comment.
    pub(crate) return_ends_line: bool,
    /// Whether the end of the text ends a block comment.
    pub(crate) end_closes_comment: bool,
    /// How the comments begin that the server executes.
    pub(crate) executable_comments: &'static [&'static str],
    /// Whether a word may begin with a digit (`2fa`).
    pub(crate) digits_begin_words: bool,
    /// Whether a word may begin with `$`.
    pub(crate) dollar_begins_words: bool,
    /// How the numbers begin that are not decimal.
    pub(crate) number_prefixes: &'static [NumberPrefix],
    /// Whether `1_000` is a number.
    pub(crate) digit_underscores: bool,
    /// Signs before the name of a parameter.
    pub(crate) parameter_signs: &'static [u8],
    /// Whether `?` is a parameter.
    pub(crate) question_parameters: bool,
    /// Whether `$1` is a parameter.
    pub(crate) dollar_parameters: bool,
    /// Whether `@'a b'`, `` @`a` `` and `@@global.a` are variables.
    pub(crate) quoted_variables: bool,
    /// Operators of several signs, longest first.
    pub(crate) operators: &'static [&'static str],
    /// Signs that form one operator when they stand together, as many as there are.
    pub(crate) operator_signs: &'static [u8],
    /// What client programs take for themselves.
    pub(crate) client: Client,
    /// Which statements hold other statements.
    pub(crate) bodies: Bodies,
    /// Statements that begin, end or steer a transaction.
    pub(crate) transaction_control: &'static [Phrase],
    /// Assignments in a `SET` that steer transactions.
    pub(crate) transaction_settings: &'static [&'static str],
    /// Statements that fail inside a transaction.
    pub(crate) outside_transactions: &'static [Outside],
    /// Pragmas that do not work inside a transaction when they are given a value.
    pub(crate) pragmas_outside_transactions: &'static [(&'static str, InTransaction)],
    /// Statements before which the engine commits.
    pub(crate) implicit_commits: &'static [Phrase],
    /// Exceptions from these.
    pub(crate) without_commit: &'static [Phrase],
}

/// How a number begins and which digits follow.
pub(crate) type NumberPrefix = (&'static str, fn(&u8) -> bool);

/// What client programs take for themselves and never send to the server.
pub(crate) struct Client {
    /// Whether a backslash outside quotes begins a command.
    pub(crate) backslash: bool,
    /// Commands that end with themselves and not with the line (`\G`).
    pub(crate) short: &'static [&'static str],
    /// Words that begin with a backslash and are SQL.
    pub(crate) words: &'static [&'static str],
    /// Whether a line that begins with `.` at the start of a statement is a command.
    pub(crate) dot_lines: bool,
    /// First words of lines that are commands at the start of a statement.
    pub(crate) line_words: &'static [&'static str],
    /// The one among these that changes how statements end until it stands again.
    pub(crate) delimiter: Option<&'static str>,
    /// Whether rows may follow a `COPY … FROM STDIN`.
    pub(crate) copy_rows: bool,
    /// Whether `:name`, `:'name'` and `:"name"` are replaced.
    pub(crate) variables: bool,
}

/// Which statements hold other statements, with semicolons that end nothing.
pub(crate) enum Bodies {
    /// One level deep: every statement inside ends with a semicolon, so the body ends with the
    /// first `END` after one.
    Flat {
        /// How the statement begins.
        head: Phrase,
        /// The words that open the body.
        opener: Phrase,
        /// Statements that hold others in parentheses.
        parenthesised: Option<Phrase>,
    },
    /// Blocks, branches and loops in one another.
    Nested {
        /// Whether they may stand outside of stored programs.
        anywhere: bool,
    },
}

/// A statement that fails inside a transaction.
pub(crate) struct Outside {
    /// How it begins, or all of it.
    pub(crate) phrase: Phrase,
    /// What more must be known.
    pub(crate) when: When,
}

/// What more must be known of an [`Outside`].
pub(crate) enum When {
    /// Nothing.
    Always,
    /// The statement ends there.
    Alone,
    /// Unless one of these options is switched off.
    UnlessOff(&'static [&'static str]),
    /// This option is switched on.
    IfOn(&'static str),
    /// It depends on what the database holds.
    Perhaps(&'static str),
}

/// What becomes of a pragma inside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTransaction {
    /// The engine refuses it.
    Fails,
    /// The engine takes it and does nothing.
    IsIgnored,
}
