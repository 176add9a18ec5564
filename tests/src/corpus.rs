//! Migration chains of public projects, and what real engines did with each file.
//!
//! The corpus is not part of this repository: it is looked for beside it, or where
//! `BACKSTITCH_CORPUS` says. It holds `ENGINE/CHAIN/NNNN_slug.up.sql` and `.down.sql`, and
//! `truth.tsv`, one line for each UP: engine, chain, split, file, whether the UP applied, whether
//! there is a DOWN, whether it ran, whether it gave the schema back, and a note.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names the folder of the corpus.
pub const CORPUS: &str = "BACKSTITCH_CORPUS";

/// What the project's own tool had made before its first migration, or an operator: (engine,
/// chain, SQL).
const PRELUDES: &[(&str, &str, &str)] = &[
    (
        "postgres",
        "harness__harness",
        "CREATE TABLE migrations (version text)",
    ),
    (
        "sqlite",
        "harness__harness",
        "CREATE TABLE migrations (version text)",
    ),
    (
        "postgres",
        "bionic-gpt__bionic-gpt",
        "CREATE TABLE schema_migrations (version text)",
    ),
    (
        "postgres",
        "brocaar__chirpstack-application-server",
        "CREATE EXTENSION pg_trgm",
    ),
    (
        "postgres",
        "brocaar__chirpstack-application-server",
        "CREATE EXTENSION hstore",
    ),
    (
        "postgres",
        "chirpstack__chirpstack",
        "CREATE EXTENSION pg_trgm",
    ),
];

/// The folder of the corpus, if it is there.
pub fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os(CORPUS) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
    };
    let folder = folder.canonicalize().ok()?;
    folder.join("truth.tsv").is_file().then_some(folder)
}

/// The migrations of one project.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The engine as the corpus names it: `postgres`, `sqlite` or `mysql`.
    pub engine: String,
    /// The name of the project.
    pub name: String,
    /// The folder of its files.
    pub dir: PathBuf,
    /// What the engine did, by the id of the migration.
    pub truth: BTreeMap<String, Truth>,
}

/// What the engine did with one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Whether the UP applied: `yes`, `no`, or `not_reached` behind one that did not.
    pub up_applies: String,
    /// Whether there is a DOWN, and of what kind.
    pub down_present: String,
    /// Whether the DOWN ran.
    pub down_runs: String,
    /// Whether it gave the schema back: `yes`, `no`, or `colorder` when all but the order of columns.
    pub down_reverts: String,
    /// The server, the error, the difference.
    pub note: String,
}

impl Chain {
    /// What has to run before the first migration.
    pub fn preludes(&self) -> impl Iterator<Item = &'static str> {
        PRELUDES
            .iter()
            .filter(|one| (one.0, one.1) == (&*self.engine, &*self.name))
            .map(|(.., sql)| *sql)
    }
}

/// The chains of an engine, in order of their names.
///
/// # Panics
/// When `truth.tsv` cannot be read or has a line of another form.
pub fn chains(folder: &Path, engine: &str) -> Vec<Chain> {
    let table = std::fs::read_to_string(folder.join("truth.tsv")).expect("truth.tsv can be read");
    let mut chains: BTreeMap<String, Chain> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let [
            of,
            chain,
            _split,
            file,
            applies,
            present,
            runs,
            reverts,
            note,
        ] = fields[..]
        else {
            panic!("not a line of truth.tsv: {line}");
        };
        if of != engine {
            continue;
        }
        let id = file
            .strip_suffix(".up.sql")
            .expect("each line is about an UP")
            .to_owned();
        let entry = chains.entry(chain.to_owned()).or_insert_with(|| Chain {
            engine: engine.to_owned(),
            name: chain.to_owned(),
            dir: folder.join(engine).join(chain),
            truth: BTreeMap::new(),
        });
        entry.truth.insert(
            id,
            Truth {
                up_applies: applies.to_owned(),
                down_present: present.to_owned(),
                down_runs: runs.to_owned(),
                down_reverts: reverts.to_owned(),
                note: note.to_owned(),
            },
        );
    }
    chains.into_values().collect()
}
