//! What the options and headers say that others make: it is there, and not known in full.
//!
//! A migration that makes such an object all the same contradicts them, which is found in the
//! journal of its UP.

use super::run::{Case, statement_at};
use crate::change::{self, Change, IfExists, Name};
use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::{Dialect, Family};
use crate::external::{External, Kind};
use crate::migration::Migration;
use crate::options::Options;
use crate::replay;
use crate::schema::{Body, Class, Extension, Key, Object, Schema};
use crate::source::Span;

pub(crate) const EXTERNAL_STALE: &str = "external-stale";

/// What others make, as far as no migration has taken it away.
#[derive(Default)]
pub(super) struct Externals(Vec<Assumed>);

struct Assumed {
    external: External,
    /// As it is written.
    text: String,
    /// The migration in whose header it stands; the options if in none.
    by: Option<String>,
}

impl Externals {
    /// Those of the options.
    pub(super) fn of(options: &Options, schema: &mut Schema) -> Externals {
        let mut externals = Externals::default();
        for text in &options.external {
            externals.assume(text, None, schema);
        }
        schema.forget();
        externals
    }

    /// From this migration on, what its header assumes is there.
    pub(super) fn begin(&mut self, migration: &Migration, schema: &mut Schema) {
        for text in &migration.assumes {
            self.assume(text, Some(&migration.id), schema);
        }
    }

    fn assume(&mut self, text: &str, by: Option<&str>, schema: &mut Schema) {
        let Ok(external) = External::parse(text) else {
            return;
        };
        put(schema, &external);
        self.0.push(Assumed {
            external,
            text: text.to_owned(),
            by: by.map(str::to_owned),
        });
    }

    /// What the UP of a migration makes although others are said to.
    pub(super) fn judge(&mut self, case: &Case<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if self.0.is_empty() {
            return found;
        }
        let dialect = case.schema.dialect();
        let mut before = Vec::new();
        let entries = case.schema.between(case.start, case.middle);
        for (at, entry) in entries.iter().enumerate() {
            let later = entries[at + 1..].iter();
            let after = match later.into_iter().find(|later| later.key == entry.key) {
                Some(later) => later.before.as_ref(),
                None => case.schema.get(&entry.key),
            };
            let Some(made) = after.filter(|object| !object.is_open()) else {
                continue;
            };
            let mut meant = self.0.iter();
            let meant = meant.find(|one| is(&one.external, &entry.key, made, dialect));
            let place = statement_at(case.up, case.start, at);
            let (Some(meant), Some(place)) = (meant, place) else {
                continue;
            };
            // Whoever takes it away may make it anew.
            let mut taken = case.up.taken.iter();
            let is_taken =
                taken.any(|(name, by)| *name == entry.key.name && by.start < place.start);
            if !is_taken && !before.contains(&entry.key) && makes_anew(case, place) {
                found.push(stale(case, meant, &entry.key, place));
                before.push(entry.key.clone());
            }
        }
        let is_taken = |one: &Assumed| {
            let name = Name::new(&one.external.name, dialect);
            case.up.taken.iter().any(|(taken, _)| *taken == name)
        };
        self.0.retain(|one| !is_taken(one));
        found
    }
}

/// Tells the model that something is there.
fn put(schema: &mut Schema, external: &External) {
    let dialect = schema.dialect();
    let name = |text: &str| Name::new(text, dialect);
    let doubt = |within: &str, text: &str| Key::new(Class::Doubt, name(within), name(text));
    match external.kind {
        Kind::Extension if dialect.modelling().family == Family::Postgres => {
            let key = Key::new(Class::Extension, name(""), name(&external.name));
            if !schema.has(&key) {
                let body = Body::Extension(Extension { schema: None });
                schema.put(key, Some(Object::new(body)));
            }
        }
        Kind::Extension => {}
        Kind::Schema => schema.put(doubt(&external.name, "*"), Some(Object::new(Body::Doubt))),
        Kind::Column => {
            let table = external.within.last().map_or("", String::as_str);
            let key = Key {
                within: Some(name(table)),
                ..doubt("", &external.name)
            };
            schema.put(key, Some(Object::new(Body::Doubt)));
        }
        _ => match external.name.strip_suffix('*') {
            Some(beginning) if !beginning.is_empty() => {
                schema.put(doubt("*", beginning), Some(Object::new(Body::Doubt)));
            }
            _ => replay::doubt(schema, [name(&external.name)]),
        },
    }
}

/// Whether that object is meant.
fn is(external: &External, key: &Key, object: &Object, dialect: Dialect) -> bool {
    let fits = match (external.kind, key.class) {
        (Kind::Any, Class::Relation | Class::Type) => true,
        (Kind::Table, Class::Relation) => object.table().is_some(),
        (Kind::View, Class::Relation) => matches!(object.body, Body::View(_)),
        (Kind::Sequence, Class::Relation) => matches!(object.body, Body::Sequence(_)),
        (Kind::Type, Class::Type) => true,
        (Kind::Schema, Class::Schema) | (Kind::Extension, Class::Extension) => true,
        _ => false,
    };
    let home = dialect.modelling().default_schema;
    let is_there = match external.kind {
        Kind::Schema | Kind::Extension => true,
        _ => {
            let tells = dialect.modelling().has_search_path;
            let within = external.schema().filter(|_| tells).unwrap_or(home);
            key.schema == Name::new(within, dialect)
        }
    };
    fits && is_there
        && !external.name.ends_with('*')
        && key.name == Name::new(&external.name, dialect)
}

/// Whether a statement makes something that must not be there.
fn makes_anew(case: &Case<'_>, span: Span) -> bool {
    let text = case.migration.up.source.text();
    let if_exists = match change::read(text, span, case.schema.dialect()) {
        Ok(Change::CreateTable(one)) => one.if_exists,
        Ok(Change::CreateView(one)) => one.if_exists,
        Ok(Change::CreateSequence(one)) => one.if_exists,
        Ok(Change::CreateExtension(one)) => one.if_exists,
        Ok(Change::CreateSchema(one)) => one.if_exists,
        Ok(Change::CreateType(_) | Change::CreateDomain(_)) => IfExists::Fail,
        _ => return false,
    };
    if_exists == IfExists::Fail
}

fn stale(case: &Case<'_>, assumed: &Assumed, key: &Key, span: Span) -> Diagnostic {
    let place = match &assumed.by {
        Some(id) => format!("`@assumes` of `{id}`"),
        None => "`external` in `backstitch.toml`".to_owned(),
    };
    let help = match &assumed.by {
        Some(id) => format!(
            "Take `{}` out of the `@assumes` of `{id}`, or this statement.",
            assumed.text
        ),
        None => format!(
            "Take \"{}\" out of `external` in `backstitch.toml`, or this statement.",
            assumed.text
        ),
    };
    let mut found = Diagnostic::error(
        EXTERNAL_STALE,
        format!("`{}` is made here, and {place} says that others make it", key.name),
    )
    .at(&case.migration.up.source, span, "made here")
    .why("Where it is there already, the engine refuses a second one; where it is not, nobody else makes it.")
    .help(help)
    .section(Section::Up);
    found.migration = Some(case.migration.id.clone());
    found
}

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;
    use crate::migration;
    use crate::options::Options;
    use crate::set::Set;
    use crate::source::Source;

    const HEAD: &str = "-- @name: a\n-- @description: b\n-- @timestamp: 2026-01-05T10:00:00Z\n\
                        -- @rollbackSafe: false\n";

    /// The word about the last of these migrations with what others make, or the codes of errors.
    fn word(dialect: Dialect, external: &[&str], files: &[&str]) -> String {
        let migrations = files.iter().enumerate().map(|(at, text)| {
            let id = format!("{:04}_m", at + 1);
            let source = Source::new(format!("{id}.sql"), format!("{HEAD}{text}"));
            let (migration, found) = migration::parse(&id, &source, dialect);
            assert!(found.is_empty(), "{found:#?}");
            migration.expect("a migration")
        });
        let (set, _) = Set::new(dialect, migrations.collect());
        let options = Options {
            external: external.iter().map(|text| (*text).to_owned()).collect(),
            ..Options::default()
        };
        #[cfg_attr(not(feature = "sqlite"), expect(unused_mut))]
        let mut checked = crate::proof::check(&set, &options);
        #[cfg(feature = "sqlite")]
        crate::sqlite::overrule(&mut checked, &set, &options);
        let errors = checked.diagnostics.iter();
        let errors = errors.filter(|found| found.severity == crate::Severity::Error);
        let mut errors: Vec<_> = errors.map(|found| found.code).collect();
        errors.dedup();
        match errors.is_empty() {
            true => checked
                .proofs
                .values()
                .last()
                .expect("one")
                .verdict
                .name()
                .to_owned(),
            false => errors.join(" "),
        }
    }

    #[track_caller]
    fn check(dialect: Dialect, external: &[&str], up: &str, down: &str, expected: &str) {
        let body = format!("-- UP MIGRATION\n{up};\n-- DOWN MIGRATION\n{down};");
        assert_eq!(
            word(dialect, external, &[&body]),
            expected,
            "by the options: {up}"
        );
        let header = format!("-- @assumes: [{}]\n{body}", external.join(", "));
        if !external.is_empty() {
            assert_eq!(
                word(dialect, &[], &[&header]),
                expected,
                "by the header: {up}"
            );
        }
    }

    #[test]
    fn what_others_make_may_be_used() {
        let pg = Dialect::Postgres;
        let up = "CREATE TABLE notes (author int REFERENCES users (id))";
        let down = "DROP TABLE notes";
        check(pg, &[], up, down, "unknown-table");
        for external in ["users", "table users", "public.users", "use*"] {
            check(pg, &[external], up, down, "proven");
        }
        check(pg, &["table others"], up, down, "unknown-table");
        check(pg, &["extension users"], up, down, "unknown-table");
        let up = "CREATE TABLE notes (author int REFERENCES auth.users (id))";
        check(pg, &["schema auth"], up, "DROP TABLE notes", "proven");
    }

    #[test]
    fn types_and_functions_of_others_are_used_and_nothing_is_claimed_of_them() {
        let pg = Dialect::Postgres;
        let up = "ALTER TYPE mood ADD VALUE 'meh'";
        check(pg, &[], up, "SELECT 1", "unknown-object");
        check(pg, &["type mood"], up, "SELECT 1", "unproven");
        let up = "CREATE TABLE a (m mood)";
        check(pg, &["type mood"], up, "DROP TABLE a", "proven");
        let up = "CREATE TABLE a (id int); CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION stamp()";
        check(pg, &["function stamp"], up, "DROP TABLE a", "proven");
        check(
            pg,
            &["function stamp"],
            "DROP FUNCTION stamp()",
            "SELECT 1",
            "unproven",
        );
    }

    #[test]
    fn a_column_of_others_is_not_missing() {
        let up = "CREATE TABLE a (id int); CREATE INDEX i ON a (tenant)";
        for dialect in Dialect::ALL {
            if dialect == Dialect::Sqlite && !cfg!(feature = "sqlite") {
                continue;
            }
            check(dialect, &[], up, "DROP TABLE a", "unknown-column");
            check(
                dialect,
                &["column a.tenant"],
                up,
                "DROP TABLE a",
                "unproven",
            );
            check(
                dialect,
                &["column b.tenant"],
                up,
                "DROP TABLE a",
                "unknown-column",
            );
        }
    }

    #[test]
    fn an_extension_of_others_settles_what_it_brings() {
        let pg = Dialect::Postgres;
        let up = "CREATE TABLE a (name citext)";
        check(pg, &[], up, "DROP TABLE a", "unproven");
        check(pg, &["extension citext"], up, "DROP TABLE a", "proven");
        let up = "CREATE EXTENSION IF NOT EXISTS citext";
        check(pg, &["extension citext"], up, "SELECT 1", "proven");
        let down = "DROP EXTENSION citext";
        check(pg, &["extension citext"], up, down, "rollback-incomplete");
    }

    #[test]
    fn a_migration_that_makes_what_others_make_contradicts() {
        let (up, down) = ("CREATE TABLE users (id int)", "DROP TABLE users");
        for dialect in Dialect::ALL {
            check(dialect, &["users"], up, down, "external-stale");
        }
        let pg = Dialect::Postgres;
        check(pg, &["table public.users"], up, down, "external-stale");
        check(pg, &["auth.users"], up, down, "proven");
        let up = "CREATE TABLE IF NOT EXISTS users (id int)";
        check(pg, &["users"], up, "SELECT 1", "unproven");
        // Whoever takes it away may make it anew.
        let up = "DROP TABLE users; CREATE TABLE users (id int)";
        check(pg, &["users"], up, "SELECT 1", "unproven");
        check(
            pg,
            &["type mood"],
            "CREATE TYPE mood AS ENUM ('a')",
            "DROP TYPE mood",
            "external-stale",
        );
        check(
            pg,
            &["extension citext"],
            "CREATE EXTENSION citext",
            "SELECT 1",
            "duplicate-object",
        );
    }

    #[test]
    fn what_a_header_assumes_is_there_from_then_on() {
        let use_it = "-- UP MIGRATION\nDELETE FROM users;\n-- DOWN MIGRATION\nSELECT 1;";
        let assume = format!("-- @assumes: [users]\n{use_it}");
        let pg = Dialect::Postgres;
        assert_eq!(word(pg, &[], &[&assume, use_it]), "proven");
        assert_eq!(word(pg, &[], &[use_it, &assume]), "unknown-table");
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn sqlite_cannot_prove_what_stands_on_tables_of_others() {
        let sqlite = Dialect::Sqlite;
        let up = "ALTER TABLE tiles ADD COLUMN z int";
        let down = "ALTER TABLE tiles DROP COLUMN z";
        check(sqlite, &["tiles"], up, down, "unproven");
        // It stands alone: SQLite looks for the other table only when rows come.
        let up = "CREATE TABLE a (id int REFERENCES tiles (id))";
        check(sqlite, &["tiles"], up, "DROP TABLE a", "proven");
    }
}
