//! Reads the folders of other tools as those tools read them: the same files, in the same order.

use std::collections::{HashMap, HashSet};
use std::fs;

use toml::de::DeTable;

use super::name::{self, Name, Part};
use super::{FILE_NAME, Folder, Layout, UP_MISSING, Unread};
use crate::diagnostic::Diagnostic;
use crate::migration::{self, Foreign, Habit, Markers, Migration, Text};
use crate::source::{Source, Span};

const NOT_SQL: &str = "not-sql";
const METADATA_UNREADABLE: &str = "metadata-unreadable";

/// The file beside `up.sql` in which Diesel looks for settings.
const METADATA: &str = "metadata.toml";

impl Folder {
    /// The migrations of a folder of another tool. `entries` are the names in it.
    pub(super) fn foreign(&mut self, entries: &[String], layout: Layout) -> Vec<Migration> {
        let mut entries = entries.to_vec();
        if layout == Layout::Diesel {
            entries.retain(|entry| self.dir.join(entry).is_dir());
        } else if layout == Layout::Refinery {
            entries = self.with_those_inside(&entries);
        }
        let mut names = Vec::new();
        for entry in &entries {
            match name::foreign(layout, entry) {
                Some(name) => names.push(name),
                None if layout == Layout::Diesel || name::looks_like_sql(entry) => {
                    self.diagnostics.push(self.left_out(entry, layout));
                }
                None => {}
            }
        }
        if names.is_empty() && self.diagnostics.is_empty() {
            self.diagnostics.push(self.no_migrations(layout));
        }
        let versions = versions(&names, layout);
        self.diagnostics.extend(self.without_up(&names, &versions));
        let downs: HashMap<u64, &Name<'_>> = names
            .iter()
            .zip(&versions)
            .filter(|(name, _)| name.part == Part::Down)
            .map(|(name, version)| (*version, name))
            .collect();
        let mut migrations = Vec::new();
        for (name, version) in names.iter().zip(versions) {
            let migration = match name.part {
                Part::Down => continue,
                Part::Up => self.pair(name, version, downs.get(&version).copied(), layout),
                Part::Marked(markers) => self.marked(name, version, markers),
                Part::Folder => self.inside_folder(name, version),
                Part::Program => {
                    self.diagnostics.push(self.not_sql(name));
                    None
                }
            };
            match migration {
                Some(migration) => migrations.push(migration),
                None => self.unread.push(Unread {
                    id: name.id.to_owned(),
                    version,
                }),
            }
        }
        migrations
    }

    /// The entries and those of all folders inside, which refinery reads too.
    fn with_those_inside(&self, entries: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for entry in entries {
            let Ok(inside) = fs::read_dir(self.dir.join(entry)) else {
                all.push(entry.clone());
                continue;
            };
            let mut inside: Vec<String> = inside
                .filter_map(Result::ok)
                .map(|inner| format!("{entry}/{}", inner.file_name().to_string_lossy()))
                .collect();
            inside.sort();
            all.extend(self.with_those_inside(&inside));
        }
        all
    }

    fn pair(
        &mut self,
        up: &Name<'_>,
        version: u64,
        down: Option<&Name<'_>>,
        layout: Layout,
    ) -> Option<Migration> {
        let up_source = self.read(up.file, up.id)?;
        let down_source = down.and_then(|down| self.read(down.file, up.id));
        let text = Text::Apart {
            up: &up_source,
            down: down_source.as_ref(),
        };
        let habit = match layout == Layout::GolangMigrate {
            true => Habit::InOneMessage,
            false => Habit::InTransaction,
        };
        self.parse_foreign(up, version, text, habit)
    }

    fn marked(&mut self, name: &Name<'_>, version: u64, markers: Markers) -> Option<Migration> {
        let source = self.read(name.file, name.id)?;
        let text = Text::Together(&source, markers);
        self.parse_foreign(name, version, text, Habit::InTransaction)
    }

    fn inside_folder(&mut self, name: &Name<'_>, version: u64) -> Option<Migration> {
        let inside = |file: &str| format!("{}/{file}", name.file);
        if !self.dir.join(inside("up.sql")).exists() {
            self.diagnostics
                .push(self.up_missing(name, &inside("up.sql")));
            return None;
        }
        let up = self.read(&inside("up.sql"), name.id)?;
        let down = match self.dir.join(inside("down.sql")).exists() {
            true => self.read(&inside("down.sql"), name.id),
            false => None,
        };
        let habit = self.habit_of_diesel(&inside(METADATA), name.id);
        let text = Text::Apart {
            up: &up,
            down: down.as_ref(),
        };
        self.parse_foreign(name, version, text, habit)
    }

    fn habit_of_diesel(&mut self, metadata: &str, id: &str) -> Habit {
        if !self.dir.join(metadata).exists() {
            return Habit::InTransaction;
        }
        let Some(source) = self.read(metadata, id) else {
            return Habit::InTransaction;
        };
        match run_in_transaction(&source) {
            Ok(true) => Habit::InTransaction,
            Ok(false) => Habit::Bare,
            Err(mut diagnostic) => {
                diagnostic.migration = Some(id.to_owned());
                self.diagnostics.push(*diagnostic);
                Habit::InTransaction
            }
        }
    }

    fn parse_foreign(
        &mut self,
        name: &Name<'_>,
        version: u64,
        text: Text<'_>,
        habit: Habit,
    ) -> Option<Migration> {
        let foreign = Foreign {
            id: name.id,
            version,
            slug: name.slug,
            text,
            habit,
        };
        let (migration, found) = migration::parse_foreign(&foreign, self.dialect);
        self.diagnostics.extend(found);
        migration
    }

    /// A DOWN that belongs to no UP.
    fn without_up(&self, names: &[Name<'_>], versions: &[u64]) -> Vec<Diagnostic> {
        let with = names.iter().zip(versions);
        let ups: HashSet<u64> = with
            .clone()
            .filter(|(name, _)| name.part == Part::Up)
            .map(|(_, version)| *version)
            .collect();
        with.filter(|(name, version)| name.part == Part::Down && !ups.contains(version))
            .map(|(name, _)| self.up_missing(name, &format!("{}.up.sql", name.id)))
            .collect()
    }

    fn up_missing(&self, name: &Name<'_>, missing: &str) -> Diagnostic {
        let message = format!("`{}` has no UP", name.file);
        let mut diagnostic = self
            .at(Diagnostic::error(UP_MISSING, message), name.file)
            .why("A way back from nowhere is never taken.")
            .help(format!("Write the file, or delete this one:\n{missing}"));
        diagnostic.migration = Some(name.id.to_owned());
        diagnostic
    }

    fn left_out(&self, file: &str, layout: Layout) -> Diagnostic {
        let example = example(layout);
        let message = format!("`{file}` is not the name of a migration");
        // No tool stands behind this layout that would leave anything out.
        let diagnostic = match layout == Layout::UpDown {
            true => self.at(Diagnostic::error(FILE_NAME, message), file).why(
                "In this layout a migration is `VERSION_slug.up.sql`, \
                 with `VERSION_slug.down.sql` beside it.",
            ),
            false => self
                .at(Diagnostic::warn(FILE_NAME, message), file)
                .why(format!(
                    "It is left out in silence: {} runs what is named like `{example}`.",
                    layout.name()
                )),
        };
        diagnostic.help(format!("Rename it, for example:\n{example}"))
    }

    fn not_sql(&self, name: &Name<'_>) -> Diagnostic {
        let message = format!("`{}` is a program, not SQL", name.file);
        let mut diagnostic = self
            .at(Diagnostic::warn(NOT_SQL, message), name.file)
            .why("What it does to the schema cannot be read, so nothing is proven from here on.")
            .help(
                "Write as SQL what can be written as SQL, and move the rest out of the migrations.",
            );
        diagnostic.migration = Some(name.id.to_owned());
        diagnostic
    }
}

/// Where each stands in the order of the tool.
fn versions(names: &[Name<'_>], layout: Layout) -> Vec<u64> {
    let number = |digits: &str| digits.parse().expect("18 digits at most");
    let widest = names.iter().map(|name| name.digits.len()).max();
    // These compare versions as texts: `20260105100000` comes before `202601051000000001`.
    let compares_texts = matches!(layout, Layout::Diesel | Layout::Dbmate);
    let width = widest.filter(|_| compares_texts).unwrap_or_default();
    names
        .iter()
        .map(|name| number(&format!("{:0<width$}", name.digits)))
        .collect()
}

fn example(layout: Layout) -> &'static str {
    match layout {
        Layout::Annotated | Layout::UpDown | Layout::Sqlx => "0001_users.up.sql",
        Layout::GolangMigrate => "000001_users.up.sql",
        Layout::Diesel => "2026-01-05-100000_users/up.sql",
        Layout::Dbmate => "20260105100000_users.sql",
        Layout::Goose => "00001_users.sql",
        Layout::Refinery => "V1__users.sql",
    }
}

/// `run_in_transaction`, `true` unless it is said otherwise.
fn run_in_transaction(source: &Source) -> Result<bool, Box<Diagnostic>> {
    let unreadable = |span: Span| {
        let message = format!("`{METADATA}` cannot be read");
        Box::new(
            Diagnostic::warn(METADATA_UNREADABLE, message)
                .at(source, span, "")
                .why("Diesel takes its defaults then, without a word.")
                .help("The file looks like this:\nrun_in_transaction = false"),
        )
    };
    let table = DeTable::parse(source.text()).map_err(|_| unreadable(Span::default()))?;
    match table.get_ref().get("run_in_transaction") {
        None => Ok(true),
        Some(value) => {
            let wrong = || unreadable(Span::new(value.span()));
            value.get_ref().as_bool().ok_or_else(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dialect::Dialect;
    use crate::dir::{Loaded, load};
    use crate::migration::Transaction;

    const SQL: &str = "SELECT 1;";

    fn read(layout: Layout, files: &[(&str, &str)]) -> Loaded {
        let dir = tempfile::tempdir().expect("a folder");
        for (file, text) in files {
            let path = dir.path().join(file);
            let parent: &Path = path.parent().expect("a folder");
            fs::create_dir_all(parent).expect("writable");
            fs::write(path, text).expect("writable");
        }
        load(dir.path(), "m", Dialect::Postgres, layout)
    }

    /// Each migration as `id: name, statements of UP and DOWN`, and each finding as its code.
    #[track_caller]
    fn check(layout: Layout, files: &[(&str, &str)], migrations: &[&str], codes: &[&str]) {
        let loaded = read(layout, files);
        let said: Vec<String> = loaded
            .set
            .migrations
            .iter()
            .map(|one| {
                let down = one
                    .down
                    .as_ref()
                    .map_or("none".to_owned(), |down| down.statements.len().to_string());
                format!(
                    "{}: {}, {} {down}",
                    one.id,
                    one.name,
                    one.up.statements.len()
                )
            })
            .collect();
        assert_eq!(said, migrations);
        let found: Vec<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
        assert_eq!(found, codes, "{:#?}", loaded.diagnostics);
    }

    #[test]
    fn sqlx() {
        check(
            Layout::Sqlx,
            &[
                ("2_b.up.sql", SQL),
                ("2_other.down.sql", SQL),
                ("10_c.sql", SQL),
                ("schema.sql", SQL),
                ("11_d.down.sql", SQL),
            ],
            &["2_b: B, 1 1", "10_c: C, 1 none"],
            &["file-name", "up-missing"],
        );
    }

    #[test]
    fn golang_migrate() {
        let concurrently = "CREATE INDEX CONCURRENTLY i ON a (b);";
        check(
            Layout::GolangMigrate,
            &[
                ("000001_a.up.sql", concurrently),
                ("000001_a.down.sql", SQL),
                ("000002_b.sql", SQL),
            ],
            &["000001_a: A, 1 1"],
            &["file-name"],
        );
        let both = format!("{SQL}{concurrently}");
        let loaded = read(Layout::GolangMigrate, &[("1_a.up.sql", &both)]);
        assert_eq!(loaded.diagnostics[0].code, "not-in-transaction");
    }

    #[test]
    fn diesel() {
        check(
            Layout::Diesel,
            &[
                ("2026-01-05-100000_add_users/up.sql", SQL),
                ("2026-01-05-100000_add_users/down.sql", SQL),
                ("2025-12-31-000000-0000_first/up.sql", SQL),
                ("2026-02-01-000000_lost/down.sql", SQL),
                ("notes/up.sql", SQL),
                ("README.md", ""),
            ],
            &[
                "2025-12-31-000000-0000_first: First, 1 none",
                "2026-01-05-100000_add_users: Add users, 1 1",
            ],
            &["file-name", "up-missing"],
        );
    }

    #[test]
    fn diesel_outside_of_transactions() {
        let with = |metadata: &str| {
            let files = [("1_a/up.sql", SQL), ("1_a/metadata.toml", metadata)];
            let loaded = read(Layout::Diesel, &files);
            let codes: Vec<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
            (loaded.set.migrations[0].transaction, codes)
        };
        assert_eq!(
            with("run_in_transaction = false"),
            (Transaction::None, vec![])
        );
        assert_eq!(with("other = 1"), (Transaction::One, vec![]));
        let unreadable = (Transaction::One, vec![METADATA_UNREADABLE]);
        assert_eq!(with("run_in_transaction = 'no'"), unreadable);
        assert_eq!(with("run_in_transaction"), unreadable);
    }

    #[test]
    fn dbmate() {
        check(
            Layout::Dbmate,
            &[
                (
                    "20260105_a-b.sql",
                    "-- migrate:up\nSELECT 1; SELECT 2;\n\n-- migrate:down\nSELECT 3;",
                ),
                ("20260106.sql", "-- migrate:up transaction:false\nSELECT 1;"),
                ("20260107_c.sql", "SELECT 1;"),
                ("20260108_d.sql", "SELECT 0;\n-- migrate:up\nSELECT 1;"),
                ("schema.sql", SQL),
            ],
            &[
                "20260105_a-b: A b, 2 1",
                "20260106: 20260106, 1 none",
                "20260108_d: D, 1 none",
            ],
            &["file-name", "section-missing", "sql-before-section"],
        );
    }

    #[test]
    fn goose() {
        let function = "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int \
                        AS $$ SELECT 1; $$ LANGUAGE sql;\n-- +goose StatementEnd\n\
                        -- +goose Down\nDROP FUNCTION f;";
        check(
            Layout::Goose,
            &[
                ("00001_a.sql", function),
                ("00002_b.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down\n"),
                ("00003_c.go", "package migrations"),
                ("00004_d.sql", "-- +goose Down\nSELECT 1;\n-- +goose Up\n"),
                ("doc.go", "package migrations"),
            ],
            &["00001_a: A, 1 1", "00002_b: B, 1 none", "00004_d: D, 0 1"],
            &[
                "rollback-missing",
                "not-sql",
                "section-order",
                "section-empty",
            ],
        );
        let text = "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;";
        let loaded = read(Layout::Goose, &[("1_a.sql", text)]);
        assert_eq!(loaded.set.migrations[0].transaction, Transaction::None);
        let up = &loaded.set.migrations[0].up;
        assert_eq!(up.span.of(up.source.text()).trim(), "SELECT 1;");
    }

    #[test]
    fn refinery() {
        check(
            Layout::Refinery,
            &[
                ("V2__add_users.sql", SQL),
                ("V10__b.sql", SQL),
                ("U1__first.sql", SQL),
                ("inner/V3__c.sql", SQL),
                ("V4__d.rs", "pub fn migration() {}"),
                ("mod.rs", ""),
                ("V1_a.sql", SQL),
            ],
            &[
                "U1__first: First, 1 none",
                "V2__add_users: Add users, 1 none",
                "V3__c: C, 1 none",
                "V10__b: B, 1 none",
            ],
            &["file-name", "not-sql"],
        );
    }

    #[test]
    fn an_empty_folder() {
        for layout in Layout::ALL {
            check(layout, &[], &[], &["no-migrations"]);
        }
    }
}
