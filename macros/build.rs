//! Tells one build of the macro from another: what an earlier one found does not count any more.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

fn main() {
    let mut hasher = DefaultHasher::new();
    // What the macro knows about SQL stands beside it, unless it comes from a registry, where the
    // version says enough.
    for folder in ["src", "../core/src"].map(Path::new) {
        if folder.is_dir() {
            println!("cargo:rerun-if-changed={}", folder.display());
            hash(folder, &mut hasher);
        }
    }
    println!("cargo:rustc-env=BACKSTITCH_BUILD={:016x}", hasher.finish());
}

fn hash(path: &Path, hasher: &mut DefaultHasher) {
    if let Ok(text) = fs::read(path) {
        text.hash(hasher);
        return;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        path.hash(hasher);
        hash(&path, hasher);
    }
}
