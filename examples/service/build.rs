//! Migrations are read while the service is compiled; this has cargo look at their folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
