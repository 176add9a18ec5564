//! When cargo compiles a service again: after every change of its migrations that it can see.
//!
//! Each test builds a small service with the real cargo, changes one thing, and builds it again.
//! The services share a target folder, so that only the first build is slow.

mod project;

use project::{Built, Project};

/// The build script that DESIGN section 2 asks for.
const BUILD_SCRIPT: &str = "fn main() {\n    println!(\"cargo:rerun-if-changed=migrations\");\n}\n";

#[test]
fn nothing_touched_is_fresh() {
    let mut service = built("untouched");
    assert_eq!(service.build(), fresh(&["0001_users"]));
}

#[test]
fn an_edited_migration_is_compiled() {
    let mut service = built("edited");
    let path = "migrations/0001_users.sql";
    let good = service.read(path);

    service.write(path, &good.replace("-- DOWN MIGRATION", "-- DOWN"));
    assert_eq!(service.build(), Built::Not);
    assert!(service.stderr().contains(path), "{}", service.stderr());

    service.write(path, &good);
    assert_eq!(service.build(), anew(&["0001_users"]));
    assert_eq!(service.build(), fresh(&["0001_users"]));
}

#[test]
fn a_new_migration_is_compiled_with_the_build_script() {
    let mut service = Project::new("added-with-script");
    service.write("build.rs", BUILD_SCRIPT);
    assert_eq!(service.build(), anew(&["0001_users"]));

    service.add_migration("0002_orders");
    assert_eq!(service.build(), anew(&["0001_users", "0002_orders"]));
    assert_eq!(service.build(), fresh(&["0001_users", "0002_orders"]));
}

#[test]
fn a_new_migration_is_compiled_with_the_lock_file() {
    let mut service = Project::new("added-with-lock");
    service.lock();
    assert_eq!(service.build(), anew(&["0001_users"]));

    service.add_migration("0002_orders");
    service.lock();
    assert_eq!(service.build(), anew(&["0001_users", "0002_orders"]));
    assert_eq!(service.build(), fresh(&["0001_users", "0002_orders"]));
}

/// What the documentation admits. Should this fail one day, both crutches can go.
#[test]
fn a_new_migration_alone_is_not_noticed() {
    let mut service = built("added-alone");
    service.add_migration("0002_orders");
    assert_eq!(service.build(), fresh(&["0001_users"]));
}

#[test]
fn a_deleted_migration_is_compiled() {
    let mut service = Project::new("deleted");
    service.add_migration("0002_orders");
    assert_eq!(service.build(), anew(&["0001_users", "0002_orders"]));

    service.remove("migrations/0002_orders.sql");
    assert_eq!(service.build(), anew(&["0001_users"]));
}

#[test]
fn a_deleted_migration_does_not_compile_with_a_stale_lock_file() {
    let mut service = Project::new("deleted-with-lock");
    service.add_migration("0002_orders");
    service.lock();
    assert_eq!(service.build(), anew(&["0001_users", "0002_orders"]));

    service.remove("migrations/0002_orders.sql");
    assert_eq!(service.build(), Built::Not);
    assert!(
        service.stderr().contains("backstitch.lock"),
        "{}",
        service.stderr()
    );
}

#[test]
fn edited_options_are_compiled() {
    let mut service = built("options");
    service.write(
        "backstitch.toml",
        "engine = \"sqlite\"\ndir = \"elsewhere\"\n",
    );
    service.write(
        "elsewhere/0007_orders.sql",
        &project::migration("0007_orders"),
    );
    assert_eq!(service.build(), anew(&["0007_orders"]));
}

#[test]
fn an_empty_folder_is_a_warning() {
    let mut service = Project::new("empty");
    service.remove("migrations/0001_users.sql");
    assert_eq!(service.build(), anew(&[]));
    assert!(
        service.stderr().contains("[no-migrations]"),
        "{}",
        service.stderr()
    );
}

#[test]
fn a_thousand_migrations_compile() {
    let mut service = Project::new("many");
    let ids: Vec<_> = (1..=1000)
        .map(|version| format!("{version:04}_table"))
        .collect();
    service.remove("migrations/0001_users.sql");
    ids.iter().for_each(|id| service.add_migration(id));
    assert_eq!(service.build(), Built::Anew(ids));
}

#[test]
fn an_engine_that_is_switched_off_is_named() {
    let mut service = Project::new("switched-off");
    for (engine, feature) in [("postgres", "postgres"), ("mariadb", "mysql")] {
        service.write("backstitch.toml", &format!("engine = \"{engine}\"\n"));
        assert_eq!(service.build(), Built::Not);
        let said = service.stderr();
        assert!(said.contains("[engine-off]"), "{said}");
        let line = format!("features = [\"{feature}\"]");
        assert!(said.contains(&line), "{said}");
    }
}

/// A migration with a warning: an allow that is of no use.
const WARNED: &str = "-- @name: By name
-- @description: Found by name.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
-- @allow: add-column-rewrites (this allows nothing, which is what is told)
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE names;
";

#[test]
fn what_was_found_is_kept_and_told_again() {
    let mut service = Project::new("stamped");
    service.write("build.rs", BUILD_SCRIPT);
    service.write("migrations/0002_names.sql", WARNED);
    let ids = ["0001_users", "0002_names"];
    assert_eq!(service.build(), anew(&ids));
    let warning = "[allow-stale]";
    assert!(service.stderr().contains(warning), "{}", service.stderr());
    let stamps = service.stamps();
    assert_eq!(stamps.len(), 1, "{stamps:?}");

    // What is told the second time is what the stamp says, and nothing else.
    let (path, bytes) = &stamps[0];
    std::fs::write(path, forged(bytes, "[allow-stale]", "[from-stamps]")).expect("a forged stamp");
    service.touch();
    assert_eq!(service.build(), anew(&ids));
    assert!(
        service.stderr().contains("[from-stamps]"),
        "{}",
        service.stderr()
    );
    assert!(!service.stderr().contains(warning), "{}", service.stderr());

    // After any edit of a migration it counts no more.
    let edited = service.read("migrations/0001_users.sql") + "-- A comment.\n";
    service.write("migrations/0001_users.sql", &edited);
    assert_eq!(service.build(), anew(&ids));
    assert!(service.stderr().contains(warning), "{}", service.stderr());
    assert_eq!(service.stamps().len(), 1);
    assert_ne!(&service.stamps(), &stamps);
}

#[test]
fn a_stamp_is_not_trusted_beyond_what_it_is_about() {
    let mut service = Project::new("distrusted");
    service.write("build.rs", BUILD_SCRIPT);
    service.write("migrations/0002_names.sql", WARNED);
    let ids = ["0001_users", "0002_names"];
    assert_eq!(service.build(), anew(&ids));
    let stamps = service.stamps();
    let (path, bytes) = &stamps[0];

    // Of a file that is cut nothing is used, and it is written anew.
    std::fs::write(path, &bytes[..bytes.len() / 2]).expect("a torn stamp");
    service.touch();
    assert_eq!(service.build(), anew(&ids));
    assert!(
        service.stderr().contains("[allow-stale]"),
        "{}",
        service.stderr()
    );
    assert_eq!(&service.stamps(), &stamps);

    // Options count as much as files.
    service.write(
        "backstitch.toml",
        "engine = \"sqlite\"\n\n[rules]\nunproven-rollback = \"deny\"\n",
    );
    assert_eq!(service.build(), anew(&ids));
    assert_ne!(&service.stamps(), &stamps);

    // Errors are looked for anew, each time.
    let good = service.read("migrations/0001_users.sql");
    let broken = good.replace("DROP TABLE t0001_users;", "SELECT 1;");
    service.write("migrations/0001_users.sql", &broken);
    for _ in 0..2 {
        assert_eq!(service.build(), Built::Not);
        assert!(
            service.stderr().contains("[rollback-incomplete]"),
            "{}",
            service.stderr()
        );
    }
    service.write("migrations/0001_users.sql", &good);
    assert_eq!(service.build(), anew(&ids));
}

#[test]
fn without_a_build_script_everything_is_checked_each_time() {
    let mut service = built("unstamped");
    service.touch();
    assert_eq!(service.build(), anew(&["0001_users"]));
    assert_eq!(service.stamps(), []);
}

/// Two calls in one crate, one of which compiles: each has a stamp of its own.
#[test]
fn every_call_has_a_stamp_of_its_own() {
    let mut service = Project::new("two-calls");
    service.write("build.rs", BUILD_SCRIPT);
    service.write("others/0001_orders.sql", &project::migration("0001_orders"));
    let main = service.read("src/main.rs").replace(
        "fn main() {",
        "static OTHERS: Migrations<backstitch::engines::Sqlite> = migrations!(\"others\");\n\n\
         fn main() {\n    assert_eq!(OTHERS.iter().count(), 1);",
    );
    service.write("src/main.rs", &main);
    assert_eq!(service.build(), anew(&["0001_users"]));
    let stamps = service.stamps();
    assert_eq!(stamps.len(), 2);
    service.touch();
    assert_eq!(service.build(), anew(&["0001_users"]));
    assert_eq!(service.stamps(), stamps);
}

/// The stamp with `from` replaced by `to`, which is as long, and with the sum that makes it whole.
fn forged(stamp: &[u8], from: &str, to: &str) -> Vec<u8> {
    use std::hash::{DefaultHasher, Hasher};
    assert_eq!(from.len(), to.len());
    let mut bytes = stamp.to_vec();
    let found = bytes
        .windows(from.len())
        .rposition(|bytes| bytes == from.as_bytes());
    let at = found.expect("the words are in the stamp");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());

    let head = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a first line")
        + 1;
    let len = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a length"));
    let outcome = head + 8 + len(head) as usize;
    let end = outcome + 8 + len(outcome) as usize;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes[outcome + 8..end]);
    hasher.write_u8(0);
    let sum = hasher.finish().to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    bytes
}

fn built(name: &str) -> Project {
    let mut service = Project::new(name);
    assert_eq!(
        service.build(),
        anew(&["0001_users"]),
        "{}",
        service.stderr()
    );
    service
}

fn anew(ids: &[&str]) -> Built {
    Built::Anew(ids.iter().copied().map(str::to_owned).collect())
}

fn fresh(ids: &[&str]) -> Built {
    Built::Fresh(ids.iter().copied().map(str::to_owned).collect())
}
