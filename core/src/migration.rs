//! One migration: what its file says.
//!
//! [`parse`] reads our annotated files and [`parse_foreign`] those of other tools; both make a
//! [`Migration`] of whatever they understand and say what is wrong. What must hold between several
//! migrations is [`set`](crate::set)'s business.

mod marker;
mod parse;
mod plain;
mod section;
mod stored;

use serde::{Deserialize, Serialize};

#[cfg(feature = "model")]
pub(crate) use parse::{ROLLBACK_MISSING, UNKNOWN_DOWN};

use crate::checksum::Checksum;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::source::{Source, Span};
use crate::statement::Statement;

/// One migration, in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The stem of the file name, `0003_add_user_email`.
    pub id: String,
    /// The digits before the first underscore, as a number. Migrations run in this order.
    pub version: u64,
    /// `@name`
    pub name: String,
    /// `@description`, its lines joined by one space.
    pub description: String,
    /// `@timestamp`, as written.
    pub timestamp: String,
    /// `@rollbackSafe`
    pub rollback_safe: bool,
    /// `@performanceImpact`
    #[serde(default, skip_serializing_if = "is_default")]
    pub impact: Impact,
    /// `@dependencies`: ids.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dependencies: Vec<String>,
    /// `@transaction`
    #[serde(default, skip_serializing_if = "is_default")]
    pub transaction: Transaction,
    /// `@phase`
    #[serde(default, skip_serializing_if = "is_default")]
    pub phase: Option<Phase>,
    /// `@irreversible`: the reason for having no way back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub irreversible: Option<String>,
    /// `@foreignKeys`
    #[serde(default, skip_serializing_if = "is_default")]
    pub foreign_keys: ForeignKeys,
    /// `@lockTimeout`
    #[serde(default, skip_serializing_if = "is_default")]
    pub lock_timeout_ms: Option<u64>,
    /// `@statementTimeout`
    #[serde(default, skip_serializing_if = "is_default")]
    pub statement_timeout_ms: Option<u64>,
    /// `@supersedes`: a checksum that is accepted as applied.
    #[serde(default, skip_serializing_if = "is_default")]
    pub supersedes: Option<Checksum>,
    /// `@step`: a function of the program that runs behind the statements of the UP, in the same
    /// transaction.
    #[serde(default, skip_serializing_if = "is_default")]
    pub step: Option<String>,
    /// `@assumes`: what others have made when it runs, each as [`External`](crate::external::External)
    /// reads it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assumes: Vec<String>,
    /// `-- CHECK BEFORE:`, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checks_before: Vec<Check>,
    /// `-- UP MIGRATION`
    pub up: Script,
    /// `-- CHECK AFTER:`, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checks_after: Vec<Check>,
    /// `-- DOWN MIGRATION`. `None` when the migration is irreversible, or comes from the folder of
    /// another tool and has no way back.
    pub down: Option<Script>,
    /// Of the UP and the checks.
    pub checksum: Checksum,
    /// Of the DOWN.
    pub down_checksum: Option<Checksum>,
}

/// The statements of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The file; not serialised, see [`Migration::from_facts`].
    #[serde(skip)]
    pub source: Source,
    /// The text of the section after its marker.
    pub span: Span,
    /// In order.
    pub statements: Vec<Statement>,
}

/// `-- CHECK BEFORE: title` or `-- CHECK AFTER: title`, and its `SELECT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What must hold.
    pub title: String,
    /// The query that returns the offenders.
    pub statement: Statement,
}

/// `@performanceImpact`: what running it costs the service.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Short locks only.
    #[default]
    Low,
    /// A scan, an index build, a lock that can be felt.
    Medium,
    /// A table rewrite or a long lock.
    High,
}

/// `@transaction`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transaction {
    /// All statements in one.
    #[default]
    One,
    /// `@transaction: false`: statements go one by one.
    None,
}

/// `@phase`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The old release keeps working.
    Expand,
    /// The old release is gone.
    Contract,
}

/// `@foreignKeys`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignKeys {
    /// As the connection has them.
    #[default]
    Unchanged,
    /// `off`: switched off before `BEGIN`, checked before `COMMIT`, restored after (SQLite).
    Off,
}

/// How one file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Ours: annotations and sections.
    Annotated,
    /// That of another tool, whose comments are not meant for us.
    Plain,
}

/// One migration as the folder of another tool has it.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'f> {
    /// The name by which people know it, without `.sql` and what stands before that.
    pub id: &'f str,
    /// Where it stands in the order of its folder.
    pub version: u64,
    /// The part of the id that says what it does.
    pub slug: &'f str,
    /// What is to be run.
    pub text: Text<'f>,
    /// How the tool runs it when it is not told otherwise.
    pub habit: Habit,
}

/// Where the two halves of a [`Foreign`] migration stand.
#[derive(Clone, Copy, Debug)]
pub enum Text<'f> {
    /// Each in a file of its own.
    Apart {
        /// The way there.
        up: &'f Source,
        /// The way back, if there is one.
        down: Option<&'f Source>,
    },
    /// In one file, under markers.
    Together(&'f Source, Markers),
}

/// The comments by which a tool tells the halves of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markers {
    /// `-- migrate:up` and `-- migrate:down`, as in dbmate.
    Migrate,
    /// `-- +goose Up` and `-- +goose Down`.
    Goose,
}

/// How a tool runs a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// In a transaction of the tool.
    InTransaction,
    /// Without one.
    Bare,
    /// All in one message, so that several statements share a transaction and a single one has none.
    InOneMessage,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Migration {
    /// The file of the UP.
    pub fn source(&self) -> &Source {
        &self.up.source
    }

    /// Everything but the text, as one line of JSON: what the macro embeds beside the file.
    pub fn to_facts(&self) -> String {
        serde_json::to_string(self).expect("a migration is plain data")
    }

    /// The migration of these facts and this text: the inverse of [`to_facts`](Migration::to_facts)
    /// for a migration whose UP and DOWN stand in one file.
    ///
    /// # Errors
    /// When `facts` was not written by this version of the library.
    pub fn from_facts(facts: &str, source: &Source) -> Result<Migration, serde_json::Error> {
        let mut migration: Migration = serde_json::from_str(facts)?;
        migration.up.source = source.clone();
        if let Some(down) = &mut migration.down {
            down.source = source.clone();
        }
        Ok(migration)
    }
}

/// The number before the first underscore of an id.
pub(crate) fn version_of(id: &str) -> Option<u64> {
    let (digits, _) = id.split_once('_')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Reads one annotated file. `id` is the stem of its name.
///
/// There is a migration whenever the file is whole enough to speak of one; whether it may be used
/// depends on the severity of the diagnostics.
pub fn parse(id: &str, source: &Source, dialect: Dialect) -> (Option<Migration>, Vec<Diagnostic>) {
    parse::parse(id, source, dialect)
}

/// Reads `id.up.sql` and, where there is one, `id.down.sql`, which need no annotations.
pub fn parse_up_down(
    id: &str,
    up: &Source,
    down: Option<&Source>,
    dialect: Dialect,
) -> (Option<Migration>, Vec<Diagnostic>) {
    let (Some(version), slug) = (version_of(id), id.split_once('_').map_or(id, |id| id.1)) else {
        return (None, Vec::new());
    };
    let foreign = Foreign {
        id,
        version,
        slug,
        text: Text::Apart { up, down },
        habit: Habit::InTransaction,
    };
    parse_foreign(&foreign, dialect)
}

/// Reads the migration of another tool, which needs no annotations.
///
/// There is none when not even the UP can be found.
pub fn parse_foreign(
    foreign: &Foreign<'_>,
    dialect: Dialect,
) -> (Option<Migration>, Vec<Diagnostic>) {
    plain::parse(foreign, dialect)
}

/// The way back of a migration as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDown {
    /// The statements.
    pub script: Script,
    /// `@transaction`
    pub transaction: Transaction,
    /// `@foreignKeys`
    pub foreign_keys: ForeignKeys,
    /// `@lockTimeout`
    pub lock_timeout_ms: Option<u64>,
    /// `@statementTimeout`
    pub statement_timeout_ms: Option<u64>,
    /// Equal to the migration's `down_checksum`.
    pub checksum: Checksum,
}

/// The text of the DOWN as it is stored, with the annotations that are needed to run it.
pub fn stored_down(migration: &Migration) -> Option<String> {
    stored::write(migration)
}

/// Reads what [`stored_down`] wrote. `shown_as` stands for the path in diagnostics.
///
/// # Errors
/// When the text is not what `stored_down` writes.
pub fn parse_stored_down(
    text: &str,
    shown_as: &str,
    dialect: Dialect,
) -> Result<StoredDown, Vec<Diagnostic>> {
    stored::parse(text, shown_as, dialect)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of files, put together at random: what matters is that nothing panics, that places
    /// stay inside the text and that facts come back.
    fn text() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("-- @name: x".to_owned()),
            Just("-- @description:\n--   y\n--\tz".to_owned()),
            Just("-- @timestamp: 2026-01-05T10:00:00Z".to_owned()),
            Just("-- @dependencies: [0001_a, ]".to_owned()),
            Just("-- @batch: 1, pause".to_owned()),
            Just("-- @allow: a (".to_owned()),
            Just("-- CHECK BEFORE: a".to_owned()),
            Just("-- CHECK AFTER".to_owned()),
            Just("-- UP MIGRATION".to_owned()),
            Just("-- UP".to_owned()),
            Just("-- DOWN MIGRATION x".to_owned()),
            Just("# @name: x".to_owned()),
            Just("/* @name: ü */".to_owned()),
            Just("SELECT '".to_owned()),
            Just("DROP TABLE ü;".to_owned()),
            Just("\u{feff}".to_owned()),
            Just("-- @".to_owned()),
            "-- @?[a-zü]{0,8}[: ]{0,2}[\\PC\r\t]{0,12}",
            any::<String>(),
        ];
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just(""), Just("\r")];
        prop::collection::vec((part, end), 0..12).prop_map(|parts| {
            parts
                .into_iter()
                .flat_map(|(part, end)| [part, end.to_owned()])
                .collect()
        })
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in text(), dialect in prop::sample::select(&Dialect::ALL[..])) {
            let source = Source::new("m.sql", text);
            let (migration, found) = parse("0001_a", &source, dialect);
            prop_assert!(migration.is_some() || !found.is_empty());
            for label in found.iter().flat_map(|diagnostic| &diagnostic.labels) {
                prop_assert!(source.text().get(label.span.range()).is_some(), "{:?}", found);
            }
            crate::render::render_all(&found, crate::render::Style::Plain);
            if let Some(migration) = migration {
                let again = Migration::from_facts(&migration.to_facts(), &source);
                prop_assert_eq!(again.expect("facts"), migration);
            }
            parse_up_down("1_a", &source, Some(&source), dialect);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let source = Source::new("m.sql", String::from_utf8_lossy(&bytes).into_owned());
            parse("0001_a", &source, Dialect::MySql);
        }
    }

    #[test]
    fn a_description_goes_on_over_lines() {
        let text = "-- @description: one\n--   two\n--  three\n-- four\n--   five\n-- UP MIGRATION\nSELECT 1";
        let (migration, _) = parse("0001_a", &Source::new("m", text), Dialect::Postgres);
        assert_eq!(migration.expect("an UP").description, "one two three");
    }

    #[test]
    fn words_in_strings_are_no_annotations_and_no_markers() {
        let text = "-- UP MIGRATION\nSELECT '\n-- @batch: 1\n-- DOWN MIGRATION\n';\n-- DOWN MIGRATION\nSELECT $$\n-- @x: y\n$$";
        let (migration, found) = parse("0001_a", &Source::new("m", text), Dialect::Postgres);
        let migration = migration.expect("an UP");
        assert_eq!(migration.up.statements.len(), 1);
        assert_eq!(migration.down.expect("a DOWN").statements.len(), 1);
        let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, ["annotation-missing"]);
    }

    #[test]
    fn what_an_open_string_swallows_is_not_missing() {
        let text = "-- UP MIGRATION\nSELECT 'x;\n-- DOWN MIGRATION\nSELECT 1;";
        let (_, found) = parse("0001_a", &Source::new("m", text), Dialect::Postgres);
        let missing = found.iter().find(|d| d.code == "rollback-missing");
        assert_eq!(missing, None);
        assert_eq!(found.len(), 2, "the header and the string");
    }

    #[test]
    fn comments_do_not_count_for_the_checksum() {
        let checksum = |text: &str| {
            let (migration, _) = parse(
                "0001_a",
                &Source::new("m", text.to_owned()),
                Dialect::Postgres,
            );
            let migration = migration.expect("an UP");
            (migration.checksum, migration.down_checksum)
        };
        let plain = checksum("-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\nSELECT 2");
        let dressed = checksum(
            "-- @name: x\n-- UP MIGRATION (x)\n/* a */ SELECT\n 1 -- b\n;;\n-- DOWN MIGRATION\nSELECT 2;",
        );
        assert_eq!(plain, dressed);
        assert_ne!(
            plain.0,
            checksum("-- UP MIGRATION\nSELECT 2;\n-- DOWN MIGRATION\nSELECT 2").0
        );
        assert_ne!(
            plain.1,
            checksum("-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\nSELECT 3").1
        );
        let check = "-- CHECK BEFORE: a\nSELECT 1;\n-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\nSELECT 2";
        assert_ne!(plain.0, checksum(check).0);
    }
}
