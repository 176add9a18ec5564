//! The pages of `backstitch explain` are true: the bad example raises the code of the page and nothing
//! else, and the good one raises nothing.
//!
//! The blocks of a page are written to a folder and read from there, as they would be in a project.
#![cfg(feature = "model")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use backstitch_core::dir::{self, Layout};
use backstitch_core::options;
use backstitch_core::page::{self, Page};
use backstitch_core::{Diagnostic, Dialect, Severity, proof, rule};

/// Codes whose mistake is no text that could stand on a page, or one that only others can see.
const TOLD_ONLY: [&str; 25] = [
    // Of the macro: `tests/ui` shows them.
    "argument-invalid",
    "argument-missing",
    "argument-repeated",
    "argument-unknown",
    "crate-unknown",
    "engine-off",
    "internal-error",
    // Of a call of the command line.
    "engine-unknown",
    "layout-unclear",
    "project-unclear",
    // Of the file system: `dir.rs` and `tests/diagnostics.rs` show them.
    "file-not-utf8",
    "file-too-large",
    "file-unreadable",
    "folder-is-a-file",
    "folder-missing",
    "folder-unreadable",
    "no-migrations",
    "nul-character",
    "options-missing",
    // Of the rules, which are not known here.
    "options-rule-unknown",
    // Of what a database holds.
    "stored-rollback-unreadable",
    // Of SQLite itself: `src/sqlite` shows them.
    "rollback-drift",
    "rollback-not-repeatable",
    "statement-refused",
    "unknown-function",
];

#[test]
fn what_pages_say_is_so() {
    let mut wrong = Vec::new();
    for page in page::all().filter(|page| !TOLD_ONLY.contains(&page.code())) {
        let (bad, good) = examples(&page);
        if bad.is_empty() || good.is_empty() {
            wrong.push(format!("{}: no example", page.code()));
            continue;
        }
        let found = find(&page, &bad);
        if found.is_empty() || found.iter().any(|one| one.code != page.code()) {
            wrong.push(format!("{}: bad: {}", page.code(), said(&found)));
        }
        let found = find(&page, &good);
        if !found.is_empty() {
            wrong.push(format!("{}: good: {}", page.code(), said(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_have_one_form() {
    let mut codes = BTreeSet::new();
    for page in page::all() {
        let (code, summary) = (page.code(), page.summary());
        assert!(codes.insert(code), "{code} has two pages");
        assert!(page.text.starts_with(&format!("# {code}\n\n")), "{code}");
        assert!(summary.ends_with('.'), "{code}: {summary}");
        assert!(!summary.contains('\n'), "{code}: the summary is one line");
        assert!(
            page.text.ends_with('\n') && !page.text.ends_with("\n\n"),
            "{code}"
        );
    }
}

/// Each code that the sources of this crate raise has its page, and there is a file for no other.
#[test]
fn every_code_has_a_page() {
    let own = page::all().map(|page| page.code());
    let codes: BTreeSet<&str> = own
        .chain(rule::all().iter().map(|rule| rule.code))
        .collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for code in raised(&src) {
        assert!(codes.contains(&*code), "`{code}` has no page in src/page");
    }
    for entry in fs::read_dir(src.join("page")).expect("the pages") {
        let file = entry
            .expect("a page")
            .file_name()
            .into_string()
            .expect("a name");
        let code = file.trim_end_matches(".md");
        assert!(codes.contains(code), "src/page.rs does not list {file}");
    }
}

/// A file of an example.
struct Block<'p> {
    /// `sql sqlite 0001_users.sql`
    info: Vec<&'p str>,
    text: &'p str,
}

/// The blocks of the bad example and of the good one.
fn examples<'p>(page: &Page) -> (Vec<Block<'p>>, Vec<Block<'p>>) {
    let (common, rest) = page
        .text
        .split_once("\n## Bad\n")
        .unwrap_or((page.text, ""));
    let (bad, good) = rest.split_once("\n## Good\n").unwrap_or((rest, ""));
    let with_common = |part: &'static str| {
        let own = blocks(part);
        match own.is_empty() {
            true => own,
            false => blocks(common).into_iter().chain(own).collect(),
        }
    };
    (with_common(bad), with_common(good))
}

fn blocks(markdown: &'static str) -> Vec<Block<'static>> {
    let fenced = markdown.split("\n```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (info, text) = block.split_once('\n').unwrap_or((block, ""));
            Block {
                info: info.split(' ').collect(),
                text,
            }
        })
        .collect()
}

fn find(page: &Page, blocks: &[Block<'_>]) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().expect("a folder");
    let words = || blocks.iter().flat_map(|block| &block.info);
    let dialect = words().find_map(|word| Dialect::from_name(word));
    let dialect = dialect.unwrap_or(Dialect::Postgres);
    let layout = words().find_map(|word| Layout::from_name(word));
    let layout = layout.unwrap_or_default();
    for block in blocks {
        let file = block.info.iter().find(|word| word.contains('.'));
        let file = file.copied().unwrap_or("0001_users.sql");
        let text = match layout == Layout::Annotated && block.info[0] == "sql" {
            true => format!("{}{}\n", header(page, block.text), block.text),
            false => format!("{}\n", block.text),
        };
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    let options = dir::load_options(folder.path());
    let loaded = dir::load(folder.path(), "migrations", dialect, layout);
    let mut found = options.diagnostics;
    found.extend(loaded.diagnostics);
    found.extend(options.options.check_since(&loaded.set));
    // What cannot be read is not judged, as in the macro.
    if !found.iter().any(|one| one.severity == Severity::Error) {
        let checked = proof::check(&loaded.set, &options.options);
        let is_of_rule = |one: &Diagnostic| rule::find(one.code).is_some();
        // What rules think of an example is tested with their own pages.
        let others = checked.diagnostics.into_iter();
        found.extend(others.filter(|one| !is_of_rule(one)));
    }
    found
}

/// The annotations that a migration needs and the example leaves out.
fn header(page: &Page, text: &str) -> String {
    if page.code() == "annotation-missing" {
        return String::new();
    }
    [
        ("@name", "Users"),
        ("@description", "The people who sign in."),
        ("@timestamp", "2026-01-05T10:00:00Z"),
        ("@rollbackSafe", "false"),
    ]
    .iter()
    .filter(|(key, _)| !text.contains(&format!("{key}:")))
    .map(|(key, value)| format!("-- {key}: {value}\n"))
    .collect()
}

fn said(found: &[Diagnostic]) -> String {
    let said: Vec<String> = found
        .iter()
        .map(|one| format!("{} ({})", one.code, one.message))
        .collect();
    match said.is_empty() {
        true => "nothing found".to_owned(),
        false => said.join(", "),
    }
}

/// The codes that are declared as constants or given to a diagnostic, in all sources of `folder`.
fn raised(folder: &Path) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a source").path();
        if path.is_dir() {
            codes.extend(raised(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for opener in ["Diagnostic::error(", "Diagnostic::warn(", ": &str ="] {
                let given = code.split(opener).skip(1);
                codes.extend(given.filter_map(quoted_code));
            }
        }
    }
    codes.remove(options::FILE_NAME);
    codes
}

/// `some-code` where the text goes on with `"some-code"`.
fn quoted_code(text: &str) -> Option<String> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_code = code.contains('-')
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_code.then(|| code.to_owned())
}
