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
    service.write("backstitch.toml", "engine = \"postgres\"\n");
    assert_eq!(service.build(), Built::Not);
    assert!(
        service.stderr().contains("Postgres` is not an engine"),
        "{}",
        service.stderr()
    );
    assert!(
        service.stderr().contains("features = [\"postgres\"]"),
        "{}",
        service.stderr()
    );
    assert!(
        service.stderr().contains("postgres"),
        "{}",
        service.stderr()
    );
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
