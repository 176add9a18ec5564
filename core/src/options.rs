//! `backstitch.toml`: what a team decides once for all of its migrations.
//!
//! Reading it from disk is [`dir`](crate::dir)'s work; which rules there are is for those to say
//! who have the rules, see [`Options::check_rules`].

mod value;
mod version;

pub use self::version::{Version, VersionError};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::value::{choice, engine, externals, located, put, rules, text, texts, version};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::dialect::Dialect;
use crate::set::Set;
use crate::source::{Located, Source, Span};

/// The name of the file.
pub const FILE_NAME: &str = "backstitch.toml";

const SYNTAX: &str = "options-syntax";
const UNKNOWN: &str = "options-unknown";
const INVALID: &str = "options-invalid";
const SINCE_UNKNOWN: &str = "options-since-unknown";
const RULE_UNKNOWN: &str = "options-rule-unknown";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `engine`
    pub engine: Option<Dialect>,
    /// `server`: the oldest version that must work.
    pub server: Option<Version>,
    /// `dir`: the folder of the migrations, beside the file.
    pub dir: Option<String>,
    /// `since`: the id of the first migration whose findings count in a build; or `after ` and the
    /// id of the last one whose findings do not.
    pub since: Option<Located<String>>,
    /// `small-tables`: tables whose size is never a concern.
    pub small_tables: Vec<String>,
    /// `external`: objects made by someone else, each as [`External`](crate::external::External) reads it.
    pub external: Vec<String>,
    /// `environment`: what this database is used for, where nothing else says it.
    pub environment: Option<String>,
    /// `namespace`: whose rows of the history are meant.
    pub namespace: Option<String>,
    /// `schema`: the schema (on MySQL: the database) that holds the history.
    pub schema: Option<String>,
    /// `versions`: how new migrations are numbered.
    pub versions: Option<Versions>,
    /// `backup`: when a backup is taken unasked.
    pub backup: Option<BackupPolicy>,
    /// `backups`: the folder of the backups, beside the file.
    pub backups: Option<String>,
    /// `seeds`: the folder of the seeds, beside the file.
    pub seeds: Option<String>,
    /// `[rules]`: the level of each rule that is named, and where its name stands.
    pub rules: BTreeMap<String, Located<Level>>,
    /// The file itself, for diagnostics that only others can raise.
    pub source: Source,
}

/// What a rule does when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Allow,
    /// It is shown on request.
    Info,
    /// A compiler warning.
    Warn,
    /// It does not compile.
    Deny,
}

/// How new migrations are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Versions {
    /// `0001`, `0002` and so on.
    #[default]
    Sequence,
    /// By the time in UTC, `20260105100000`.
    Timestamp,
}

/// When a backup is taken unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackupPolicy {
    /// Never.
    #[default]
    Never,
    /// Before what may lose data.
    BeforeRisky,
    /// Before every run that changes something.
    Always,
}

struct Key {
    name: &'static str,
    /// The line to paste.
    example: &'static str,
    read: fn(&mut Options, &Spanned<DeValue<'_>>) -> Result<(), Vec<Bad>>,
}

/// One line for each key of the file.
#[rustfmt::skip]
const KEYS: [Key; 14] = [
    Key { name: "engine", example: "engine = \"postgres\"", read: |o, v| put(&mut o.engine, engine(v)) },
    Key { name: "server", example: "server = \"14\"", read: |o, v| put(&mut o.server, version(v)) },
    Key { name: "dir", example: "dir = \"migrations\"", read: |o, v| put(&mut o.dir, text(v)) },
    Key { name: "since", example: "since = \"0042_orders\"", read: |o, v| put(&mut o.since, located(v)) },
    Key { name: "small-tables", example: "small-tables = [\"countries\"]", read: |o, v| texts(v).map(|texts| o.small_tables = texts) },
    Key { name: "external", example: "external = [\"public.geometry_columns\"]", read: |o, v| externals(v).map(|texts| o.external = texts) },
    Key { name: "environment", example: "environment = \"development\"", read: |o, v| put(&mut o.environment, text(v)) },
    Key { name: "namespace", example: "namespace = \"billing\"", read: |o, v| put(&mut o.namespace, text(v)) },
    Key { name: "schema", example: "schema = \"ops\"", read: |o, v| put(&mut o.schema, text(v)) },
    Key { name: "versions", example: "versions = \"timestamp\"", read: |o, v| put(&mut o.versions, choice(v, "versions", &VERSIONS)) },
    Key { name: "backup", example: "backup = \"before-risky\"", read: |o, v| put(&mut o.backup, choice(v, "backup", &BACKUP)) },
    Key { name: "backups", example: "backups = \"backups\"", read: |o, v| put(&mut o.backups, text(v)) },
    Key { name: "seeds", example: "seeds = \"seeds\"", read: |o, v| put(&mut o.seeds, text(v)) },
    Key { name: "rules", example: "[rules]\ndrop-column-loses-data = \"allow\"", read: rules },
];

const LEVELS: [(&str, Level); 4] = [
    ("allow", Level::Allow),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("deny", Level::Deny),
];

const VERSIONS: [(&str, Versions); 2] = [
    ("sequence", Versions::Sequence),
    ("timestamp", Versions::Timestamp),
];

const BACKUP: [(&str, BackupPolicy); 3] = [
    ("never", BackupPolicy::Never),
    ("before-risky", BackupPolicy::BeforeRisky),
    ("always", BackupPolicy::Always),
];

/// Why a value is not what its key takes.
struct Bad {
    span: Span,
    label: String,
    /// The line as it was probably meant.
    instead: Option<String>,
}

/// The options of this file, and what is wrong with it.
pub fn parse(source: &Source) -> (Options, Vec<Diagnostic>) {
    let mut options = Options {
        source: source.clone(),
        ..Options::default()
    };
    let (table, errors) = DeTable::parse_recoverable(source.text());
    let mut diagnostics: Vec<Diagnostic> =
        errors.iter().map(|error| syntax(source, error)).collect();
    for (name, value) in table.get_ref() {
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref().as_ref()) else {
            diagnostics.push(unknown_key(source, name));
            continue;
        };
        let bads = (key.read)(&mut options, value).err().unwrap_or_default();
        // After a syntax error the values are guesses, and complaints about them noise.
        if errors.is_empty() {
            diagnostics.extend(bads.into_iter().map(|bad| invalid(source, key, bad)));
        }
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    (options, diagnostics)
}

/// The id that `since` names, and whether it is the last one that has shipped.
fn named(since: &str) -> (&str, bool) {
    match since.strip_prefix("after ") {
        Some(id) => (id.trim(), true),
        None => (since, false),
    }
}

impl Options {
    /// Takes everything up to this migration as shipped, whatever the file says.
    pub fn ship(&mut self, id: &str) {
        self.since = Some(Located {
            value: format!("after {id}"),
            span: Span::default(),
        });
    }

    /// The first version that has not shipped, by what `since` says.
    #[cfg(any(feature = "model", test))]
    pub(crate) fn first_version(&self, set: &Set) -> Option<u64> {
        let since = self.since.as_ref()?;
        let (id, is_after) = named(&since.value);
        let version = set.get(id)?.version;
        Some(version.saturating_add(u64::from(is_after)))
    }

    /// Whether `since` names a migration of `set`.
    pub fn check_since(&self, set: &Set) -> Option<Diagnostic> {
        let since = self.since.as_ref()?;
        let (id, is_after) = named(&since.value);
        if set.get(id).is_some() {
            return None;
        }
        let ids = || set.migrations.iter().map(|migration| migration.id.as_str());
        let version = |id: &'_ str| id.split('_').next().map(str::to_owned);
        let near = ids()
            .find(|one| version(one) == version(id))
            .or_else(|| did_you_mean(id, ids()));
        let missing = format!("there is no migration `{id}`");
        let (label, id) = match near {
            Some(id) => (format!("did you mean `{id}`?"), id),
            None => (
                "not in the folder".to_owned(),
                ids().next_back().unwrap_or("0001_users"),
            ),
        };
        let help = match is_after {
            true => format!("Name the last migration that has shipped:\nsince = \"after {id}\""),
            false => {
                format!("Name the first migration that has not shipped yet:\nsince = \"{id}\"")
            }
        };
        Some(
            Diagnostic::error(SINCE_UNKNOWN, missing)
                .at(&self.source, since.span, label)
                .why("Without it nothing tells which findings are old and which are new.")
                .help(help),
        )
    }

    /// Whether every name under `[rules]` is one of `known`.
    pub fn check_rules<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Vec<Diagnostic> {
        let known: Vec<&str> = known.into_iter().collect();
        let unknown = self
            .rules
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()));
        unknown
            .map(|(name, level)| {
                let near = did_you_mean(name, known.iter().copied());
                let label = near.map_or("not a rule".to_owned(), |near| {
                    format!("did you mean `{near}`?")
                });
                let help = match near {
                    Some(near) => format!("Write:\n{near} = \"{}\"", level.value.name()),
                    None => "`backstitch explain` lists the rules.".to_owned(),
                };
                Diagnostic::error(RULE_UNKNOWN, format!("unknown rule `{name}`"))
                    .at(&self.source, level.span, label)
                    .why("A level for a rule that does not exist changes nothing.")
                    .help(help)
            })
            .collect()
    }
}

impl Level {
    /// The word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Deny => "deny",
        }
    }
}

fn syntax(source: &Source, error: &toml::de::Error) -> Diagnostic {
    let mut end = error.span().unwrap_or_default();
    let text = source.text();
    end.end = end.end.min(text.len());
    end.start = end.start.min(end.end);
    let is_inside = text.is_char_boundary(end.start) && text.is_char_boundary(end.end);
    let span = if is_inside {
        Span::new(end)
    } else {
        Span::default()
    };
    let words = error.message().lines().collect::<Vec<_>>().join(", ");
    Diagnostic::error(SYNTAX, "the file is not valid TOML")
        .at(source, span, words)
        .why("What cannot be read would silently not count.")
        .help("The file looks like this:\nengine = \"postgres\"\ndir = \"migrations\"")
}

fn unknown_key(source: &Source, name: &Spanned<std::borrow::Cow<'_, str>>) -> Diagnostic {
    let word = name.get_ref();
    let names = KEYS.map(|key| key.name);
    let near = did_you_mean(&word.replace('_', "-"), names);
    let key = near.and_then(|near| KEYS.iter().find(|key| key.name == near));
    let (label, help) = match key {
        Some(key) => (
            format!("did you mean `{}`?", key.name),
            format!("For example:\n{}", key.example),
        ),
        None => (
            "not a key of this file".to_owned(),
            format!(
                "The keys are `{}`. The level of a rule stands under `[rules]`.",
                names.join("`, `")
            ),
        ),
    };
    Diagnostic::error(UNKNOWN, format!("unknown key `{word}`"))
        .at(source, Span::new(name.span()), label)
        .why("A key that nobody reads would be a decision that nobody follows.")
        .help(help)
}

fn invalid(source: &Source, key: &Key, bad: Bad) -> Diagnostic {
    let (words, line) = match &bad.instead {
        Some(line) => ("Did you mean:", line.as_str()),
        None => ("For example:", key.example),
    };
    Diagnostic::error(
        INVALID,
        format!("`{}` has a value that cannot be read", key.name),
    )
    .at(source, bad.span, bad.label)
    .why("A decision that cannot be read would not be followed.")
    .help(format!("{words}\n{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_design() {
        let text = r#"
            engine = "postgres"
            server = "14"
            dir = "migrations"
            since = "0042_orders"
            small-tables = ["countries"]
            external = ["public.geometry_columns"]
            [rules]
            drop-column-loses-data = "allow"
            unproven-rollback = "deny"
        "#;
        let (options, diagnostics) = parse(&Source::new(FILE_NAME, text));
        assert_eq!(diagnostics, []);
        assert_eq!(options.engine, Some(Dialect::Postgres));
        assert_eq!(options.server, "14".parse().ok());
        assert_eq!(options.dir.as_deref(), Some("migrations"));
        assert_eq!(
            options.since.as_ref().map(|since| since.value.as_str()),
            Some("0042_orders")
        );
        assert_eq!(options.small_tables, ["countries"]);
        assert_eq!(options.external, ["public.geometry_columns"]);
        assert_eq!(options.rules["unproven-rollback"].value, Level::Deny);
        assert_eq!(options.check_rules(["drop-column-loses-data"]).len(), 1);
        let (set, _) = Set::new(Dialect::Postgres, Vec::new());
        assert!(options.check_since(&set).is_some());
    }

    #[test]
    fn what_has_shipped() {
        let source = |id: &str| Source::new(format!("{id}.sql"), "-- UP MIGRATION\nSELECT 1;\n");
        let read = |id: &str| crate::migration::parse(id, &source(id), Dialect::Postgres).0;
        let (set, _) = Set::new(
            Dialect::Postgres,
            ["0001_a", "0007_b"].into_iter().filter_map(read).collect(),
        );
        let first = |text: &str| {
            let (options, _) = parse(&Source::new(FILE_NAME, text.to_owned()));
            let help = options.check_since(&set).map(|found| found.help);
            (options.first_version(&set), help)
        };
        assert_eq!(first(""), (None, None));
        assert_eq!(first("since = \"0007_b\""), (Some(7), None));
        assert_eq!(first("since = \"after 0007_b\""), (Some(8), None));
        let (version, help) = first("since = \"after 0007_a\"");
        assert_eq!(version, None);
        assert!(help.is_some_and(|help| help.ends_with("\nsince = \"after 0007_b\"")));
    }

    #[test]
    fn what_the_command_line_follows() {
        let text = r#"
            environment = "staging"
            namespace = "billing"
            schema = "ops"
            versions = "timestamp"
            backup = "before-risky"
            backups = "var/backups"
            seeds = "db/seeds"
        "#;
        let (options, diagnostics) = parse(&Source::new(FILE_NAME, text));
        assert_eq!(diagnostics, []);
        assert_eq!(options.environment.as_deref(), Some("staging"));
        assert_eq!(options.namespace.as_deref(), Some("billing"));
        assert_eq!(options.schema.as_deref(), Some("ops"));
        assert_eq!(options.versions, Some(Versions::Timestamp));
        assert_eq!(options.backup, Some(BackupPolicy::BeforeRisky));
        assert_eq!(options.backups.as_deref(), Some("var/backups"));
        assert_eq!(options.seeds.as_deref(), Some("db/seeds"));
        let text = "backup = \"before_risky\"";
        let (_, diagnostics) = parse(&Source::new(FILE_NAME, text));
        assert_eq!(
            diagnostics[0].help,
            "Did you mean:\nbackup = \"before-risky\""
        );
    }

    #[test]
    fn versions_order_by_number() {
        let version = |text: &str| text.parse::<Version>().expect("a version");
        assert!(version("9.6") < version("14"));
        assert!(version("8.0.9") < version("8.0.36"));
        assert_eq!(version("8.0").to_string(), "8");
        assert_eq!(version("8.0.36").to_string(), "8.0.36");
        for bad in ["", "x", "1.", "1.2.3.4", "-1", "+1", "99999999999"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_problem_is_reported_in_order() {
        let text = "engin = 1\nserver = 14\nsmall-tables = [1, \"a\", 2]\n[rules]\na = \"off\"\n";
        let (_, diagnostics) = parse(&Source::new(FILE_NAME, text));
        let codes: Vec<_> = diagnostics
            .iter()
            .map(|d| (d.code, d.position().unwrap().line))
            .collect();
        assert_eq!(
            codes,
            [
                (UNKNOWN, 1),
                (INVALID, 2),
                (INVALID, 3),
                (INVALID, 3),
                (INVALID, 5)
            ]
        );
    }
}
