//! All migrations of a folder, in order, and what must hold between them.

use crate::annotation;
use crate::checksum::Digest;
use crate::diagnostic::{Diagnostic, Section, did_you_mean};
use crate::dialect::Dialect;
use crate::migration::Migration;
use crate::source::Span;

const VERSION_DUPLICATE: &str = "version-duplicate";
const DEPENDENCY_UNKNOWN: &str = "dependency-unknown";
const DEPENDENCY_LATER: &str = "dependency-later";
const DEPENDENCY_ITSELF: &str = "dependency-itself";
const DEPENDENCY_CYCLE: &str = "dependency-cycle";
const SUPERSEDES_ITSELF: &str = "supersedes-itself";

/// All migrations of a folder, ordered by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The SQL they are written in.
    pub dialect: Dialect,
    /// By ascending version.
    pub migrations: Vec<Migration>,
}

impl Set {
    /// The set of these migrations, in whatever order they come, and what does not fit between
    /// them.
    pub fn new(dialect: Dialect, migrations: Vec<Migration>) -> (Set, Vec<Diagnostic>) {
        Set::with_unread(dialect, migrations, &[])
    }

    /// The same, where files of the ids `unread` exist and could not be read: to depend on them is
    /// no mistake.
    pub(crate) fn with_unread(
        dialect: Dialect,
        mut migrations: Vec<Migration>,
        unread: &[&str],
    ) -> (Set, Vec<Diagnostic>) {
        migrations.sort_by_cached_key(|m| (m.version, m.id.clone(), m.source().path().to_owned()));
        let set = Set {
            dialect,
            migrations,
        };
        let mut diagnostics = set.duplicate_versions();
        for migration in &set.migrations {
            for dependency in &migration.dependencies {
                if !unread.contains(&dependency.as_str()) {
                    diagnostics.extend(set.unmet(migration, dependency));
                }
            }
            diagnostics.extend(set.superseding_itself(migration));
        }
        (set, diagnostics)
    }

    /// The migration of that id.
    pub fn get(&self, id: &str) -> Option<&Migration> {
        self.migrations.iter().find(|migration| migration.id == id)
    }

    /// The sum over all ids and checksums.
    pub fn digest(&self) -> Digest {
        self.migrations
            .iter()
            .fold(Digest::EMPTY, |digest, migration| {
                digest.with(&migration.id, &migration.checksum)
            })
    }

    fn duplicate_versions(&self) -> Vec<Diagnostic> {
        let same = |pair: &&[Migration]| pair[0].version == pair[1].version;
        let pairs = self.migrations.windows(2).filter(same);
        pairs
            .map(|pair| {
                let (first, second) = (&pair[0], &pair[1]);
                let digits = second.id.split('_').next().unwrap_or_default();
                let start = Span::default();
                let last = self.migrations.last().map_or(0, |last| last.version);
                let next = last.saturating_add(1);
                let slug = second.id.split_once('_').map_or("", |(_, slug)| slug);
                let diagnostic = Diagnostic::error(
                    VERSION_DUPLICATE,
                    format!("`{}` and `{}` have the same version", first.id, second.id),
                )
                .at(second.source(), start, format!("version {digits}"))
                .at(first.source(), start, "taken by this file")
                .why("Versions say in which order migrations run, and the database keeps one row for each.")
                .help(format!(
                    "Rename the one that has not shipped, for example to:\n{next:0width$}_{slug}.sql",
                    width = digits.len()
                ));
                about(second, diagnostic)
            })
            .collect()
    }

    fn unmet(&self, migration: &Migration, dependency: &str) -> Option<Diagnostic> {
        let place = self.place_of_dependency(migration, dependency);
        let diagnostic = match self.get(dependency) {
            None => self.unknown_dependency(migration, dependency, place),
            Some(other) if other.id == migration.id => {
                Diagnostic::error(DEPENDENCY_ITSELF, "a migration depends on itself")
                    .at(migration.source(), place, "this very file")
                    .why("It could never run.")
                    .help("Delete the id from the list.")
            }
            Some(other) if other.version < migration.version => return None,
            Some(other) => match self.path(other, migration) {
                Some(path) => self.cycle(migration, place, &path),
                None => Diagnostic::error(
                    DEPENDENCY_LATER,
                    format!("`{}` depends on a later migration", migration.id),
                )
                .at(migration.source(), place, "runs after this file")
                .at(other.source(), Span::default(), "the later file")
                .why("Migrations run in the order of their versions, whatever they depend on.")
                .help("Give this file a version above the one that it needs, or delete the id from the list."),
            },
        };
        Some(about(migration, diagnostic))
    }

    fn unknown_dependency(
        &self,
        migration: &Migration,
        dependency: &str,
        place: Span,
    ) -> Diagnostic {
        let earlier = || {
            let earlier = self
                .migrations
                .iter()
                .filter(|m| m.version < migration.version);
            earlier.map(|m| m.id.as_str())
        };
        let same_part = |id: &&str| {
            let (version, slug) = id.split_once('_').unwrap_or((id, ""));
            let (own_version, own_slug) = dependency.split_once('_').unwrap_or((dependency, ""));
            version == own_version || (!slug.is_empty() && slug == own_slug)
        };
        let near = did_you_mean(dependency, earlier()).or_else(|| earlier().find(same_part));
        let label = near.map_or("not in the folder".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        let meant: Vec<&str> = migration
            .dependencies
            .iter()
            .map(|id| {
                if id == dependency {
                    near
                } else {
                    Some(id.as_str())
                }
            })
            .collect::<Option<_>>()
            .unwrap_or_else(|| {
                let others = migration.dependencies.iter().map(String::as_str);
                others.filter(|id| *id != dependency).collect()
            });
        Diagnostic::error(
            DEPENDENCY_UNKNOWN,
            format!("there is no migration `{dependency}`"),
        )
        .at(migration.source(), place, label)
        .why("What it needs would never have run.")
        .help(format!(
            "Name a file of this folder, or none:\n-- @dependencies: [{}]",
            meant.join(", ")
        ))
    }

    fn cycle(&self, migration: &Migration, place: Span, path: &[&Migration]) -> Diagnostic {
        let mut names = vec![format!("`{}`", migration.id)];
        names.extend(path.iter().map(|m| format!("`{}`", m.id)));
        let mut diagnostic = Diagnostic::error(
            DEPENDENCY_CYCLE,
            format!("migrations depend on each other: {}", names.join(" → ")),
        )
        .at(migration.source(), place, "needs a later one");
        for pair in path.windows(2) {
            let place = self.place_of_dependency(pair[0], &pair[1].id);
            diagnostic = diagnostic.at(pair[0].source(), place, "which leads back here");
        }
        diagnostic
            .why("None of them could run first.")
            .help("Delete this id from the list, or put both into one migration.")
    }

    /// The way from `from` to `to` along dependencies, both included.
    fn path<'s>(&'s self, from: &'s Migration, to: &Migration) -> Option<Vec<&'s Migration>> {
        let mut paths = vec![vec![from]];
        let mut seen = vec![from.id.as_str()];
        while let Some(path) = paths.pop() {
            let end = path.last().expect("a path begins somewhere");
            if end.id == to.id {
                return Some(path);
            }
            for next in end.dependencies.iter().filter_map(|id| self.get(id)) {
                if !seen.contains(&next.id.as_str()) {
                    seen.push(&next.id);
                    paths.push([path.as_slice(), &[next]].concat());
                }
            }
        }
        None
    }

    /// The words of a dependency in the header.
    fn place_of_dependency(&self, migration: &Migration, dependency: &str) -> Span {
        let source = migration.source();
        let Some((_, value)) = annotation::locate(source, self.dialect, "dependencies") else {
            return Span::default();
        };
        let list = value.of(source.text());
        let is_id = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let whole = list.match_indices(dependency).find(|(start, word)| {
            let (before, after) = (&list[..*start], &list[start + word.len()..]);
            !before.ends_with(is_id) && !after.starts_with(is_id)
        });
        whole.map_or(value, |(offset, word)| {
            let start = value.start as usize + offset;
            Span::new(start..start + word.len())
        })
    }

    fn superseding_itself(&self, migration: &Migration) -> Option<Diagnostic> {
        if migration.supersedes != Some(migration.checksum) {
            return None;
        }
        let place = annotation::locate(migration.source(), self.dialect, "supersedes");
        let (_, place) = place.unwrap_or_default();
        let diagnostic =
            Diagnostic::error(SUPERSEDES_ITSELF, "`@supersedes` names the present text")
                .at(migration.source(), place, "the checksum of this very text")
                .why("It accepts an earlier text as applied; the present one is accepted anyway.")
                .help("Delete the line, or put the checksum of the earlier text here.");
        Some(about(migration, diagnostic))
    }
}

fn about(migration: &Migration, mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.migration = Some(migration.id.clone());
    diagnostic.section(Section::Header)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::migration;
    use crate::source::Source;

    fn migrations() -> Vec<Migration> {
        [
            "0001_a",
            "0002_b",
            "0010_a",
            "0010_c",
            "09_d",
            "20260105100000_e",
        ]
        .into_iter()
        .map(|id| {
            let text = "-- @dependencies: [0002_b, 0001_a, 0099_x]\n-- UP MIGRATION\nSELECT 1";
            let source = Source::new(format!("{id}.sql"), text);
            migration::parse(id, &source, Dialect::Sqlite)
                .0
                .expect("a migration")
        })
        .collect()
    }

    proptest! {
        #[test]
        fn the_order_of_files_does_not_count(shuffled in Just(migrations()).prop_shuffle()) {
            prop_assert_eq!(Set::new(Dialect::Sqlite, shuffled), Set::new(Dialect::Sqlite, migrations()));
        }
    }

    #[test]
    fn versions_are_numbers() {
        let (set, diagnostics) = Set::new(Dialect::Sqlite, migrations());
        let ids: Vec<&str> = set.migrations.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "0001_a",
                "0002_b",
                "09_d",
                "0010_a",
                "0010_c",
                "20260105100000_e"
            ]
        );
        let duplicates = diagnostics.iter().filter(|d| d.code == VERSION_DUPLICATE);
        assert_eq!(duplicates.count(), 1);
    }
}
