//! `migrations!` as people meet it: the compile error of each mistake, and what compiles.
//!
//! `fail/<mistake>.rs` makes one mistake, its migrations stand in `fail/<mistake>/`, and what the
//! compiler says about it in `fail/<mistake>.stderr`. `TRYBUILD=overwrite` writes these anew; read
//! them as a user would before you accept them. What compiles is not a case of trybuild but part of
//! this very test, because that costs nothing and can be run.

mod pass;
mod paste;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn each_mistake_is_told() {
    provide("fail");
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

/// Copies a folder to where `migrations!` looks for it.
///
/// trybuild compiles the cases in a project of its own below the target folder. It is that
/// project's `Cargo.toml` beside which the macro finds migrations.
fn provide(folder: &str) {
    let to = trybuild_project().join(folder);
    if to.exists() {
        fs::remove_dir_all(&to).expect("the copy of an earlier run is removed");
    }
    copy(&Path::new("ui").join(folder), &to);
}

fn trybuild_project() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it is in the target folder");
    target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is read") {
        let entry = entry.expect("an entry is read");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a file is copied");
        }
    }
}
