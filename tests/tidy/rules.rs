//! The rules, as data where they are about words, as functions where they are about names.

use crate::tree::File;

/// All that is wrong with these files, one `path:line: what to do` each.
pub(crate) fn findings(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        words_in_code(file, &mut found);
        names(file, &mut found);
        module_comment(file, &mut found);
        left_overs(file, &mut found);
        machine_paths(file, &mut found);
        tests_that_run(file, &mut found);
    }
    found
}

/// Words that code of some place does not use.
struct Layer {
    /// Paths that start so are meant...
    places: &'static [&'static str],
    /// ...but not those that start so.
    except: &'static [&'static str],
    words: &'static [&'static str],
    advice: &'static str,
}

const LAYERS: &[Layer] = &[
    Layer {
        places: &["core/src/"],
        except: &[],
        words: &["sqlx::", "tokio::"],
        advice: "core knows no database and nothing async; what needs one belongs into runtime",
    },
    Layer {
        places: &["core/Cargo.toml"],
        except: &[],
        words: &["sqlx", "tokio"],
        advice: "core knows no database and nothing async; what needs one belongs into runtime",
    },
    Layer {
        places: &["macros/src/"],
        except: &[],
        words: &["sqlx::"],
        advice: "the macro knows Rust tokens only; let it emit a path that runtime exports",
    },
    Layer {
        places: &["macros/Cargo.toml"],
        except: &[],
        words: &["sqlx"],
        advice: "the macro knows Rust tokens only; let it emit a path that runtime exports",
    },
    Layer {
        places: &["core/src/", "macros/src/", "runtime/src/", "cli/src/"],
        except: &["core/src/change.rs", "core/src/change/"],
        words: &["sqlparser::", "squawk_parser::"],
        advice: "only core/src/change.rs sees a parser that others wrote; ask for a Change instead",
    },
    Layer {
        places: &["core/src/", "macros/src/", "runtime/src/", "cli/src/"],
        except: &[
            "core/src/dialect.rs",
            "core/src/dialect/",
            "runtime/src/engine.rs",
            "runtime/src/engine/",
        ],
        words: &[
            "Dialect::Postgres",
            "Dialect::Sqlite",
            "Dialect::MySql",
            "Dialect::MariaDb",
        ],
        advice: "only core/src/dialect.rs and runtime/src/engine name an engine; \
                 add a question to one of them and ask it",
    },
    Layer {
        places: &["core/src/"],
        except: &["core/src/dir.rs", "core/src/dir/"],
        words: &["std::fs", "fs::", "File::open"],
        advice: "all file reading in core is in dir.rs; take the text as a parameter",
    },
    Layer {
        places: &["core/src/", "macros/src/", "runtime/src/"],
        except: &[],
        words: &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "process::exit",
        ],
        advice: "only cli prints and exits; return a value, a diagnostic or an error",
    },
    // The macro is told by variables where it runs; there is no other way.
    Layer {
        places: &["core/src/", "runtime/src/"],
        except: &[],
        words: &["env::var", "env::vars", "env::var_os", "env::vars_os"],
        advice: "nothing below cli reads the environment; take the value as an option",
    },
];

fn words_in_code(file: &File, found: &mut Vec<String>) {
    if !file.is_rust() && !file.path.ends_with("Cargo.toml") {
        return;
    }
    let starts = |starts: &[&str]| starts.iter().any(|start| file.path.starts_with(start));
    for layer in LAYERS
        .iter()
        .filter(|l| starts(l.places) && !starts(l.except))
    {
        for (line, code) in file.code() {
            if let Some(word) = layer.words.iter().find(|word| has_word(code, word)) {
                found.push(format!("{}:{line}: `{word}`: {}", file.path, layer.advice));
            }
        }
    }
}

const VAGUE: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "types", "misc",
];

fn names(file: &File, found: &mut Vec<String>) {
    if !file.is_rust() || is_fixture(file) {
        return;
    }
    let path = &file.path;
    if path.ends_with("/mod.rs") {
        found.push(format!(
            "{path}:1: name it after its folder, `foo.rs` beside `foo/`"
        ));
    }
    if let Some(name) = path
        .trim_end_matches(".rs")
        .split('/')
        .find(|n| VAGUE.contains(n))
    {
        found.push(format!(
            "{path}:1: `{name}` says nothing; name the one stage or noun in it"
        ));
    }
}

fn module_comment(file: &File, found: &mut Vec<String>) {
    let crates = [
        "core/src/",
        "macros/src/",
        "runtime/src/",
        "cli/src/",
        "tests/src/",
    ];
    let inside = crates.iter().any(|place| file.path.starts_with(place));
    if inside && file.is_rust() && !file.text.starts_with("//!") {
        found.push(format!(
            "{}:1: open with two or three lines of `//!`: what it is for, and what it leaves to others",
            file.path
        ));
    }
}

fn left_overs(file: &File, found: &mut Vec<String>) {
    if !file.is_rust() || is_about_tidying(file) {
        return;
    }
    for (line, text) in file.lines().map(|(line, text)| (line, text.trim_start())) {
        if text.starts_with("//") {
            continue;
        }
        for (word, advice) in [
            (
                "#[ignore",
                "let the test announce what it lacks, or fix or remove it",
            ),
            ("todo!(", "do it, or return an error that says so"),
            ("unimplemented!(", "do it, or return an error that says so"),
            ("dbg!(", "remove it"),
        ] {
            if has_word(text, word) {
                found.push(format!("{}:{line}: `{word}`: {advice}", file.path));
            }
        }
    }
}

fn machine_paths(file: &File, found: &mut Vec<String>) {
    // SQL that others wrote may say what it likes.
    if is_about_tidying(file) || file.path.ends_with(".sql") {
        return;
    }
    for (line, text) in file.lines() {
        if let Some(path) = ["work", "root", "home"]
            .map(|folder| format!("/{folder}/"))
            .into_iter()
            .find(|path| has_path(text, path))
        {
            found.push(format!(
                "{}:{line}: `{path}` exists on one machine only; start from the project or a temporary folder",
                file.path
            ));
        }
    }
}

/// Test binaries are listed by hand, and one that is not listed does not run.
fn tests_that_run(file: &File, found: &mut Vec<String>) {
    let listed = include_str!("../Cargo.toml");
    let area = file.path.strip_prefix("tests/").filter(|path| {
        path.split('/').count() == 2 && path.ends_with("/main.rs") && !path.starts_with("src/")
    });
    if let Some(area) = area
        && !listed.contains(&format!("path = \"{area}\""))
    {
        found.push(format!(
            "{}:1: it does not run; add a [[test]] with path = \"{area}\" to tests/Cargo.toml",
            file.path
        ));
    }
}

/// These files quote what they forbid.
fn is_about_tidying(file: &File) -> bool {
    file.path.starts_with("tests/tidy/")
}

/// Programs that tests compile are named after the mistake they make.
fn is_fixture(file: &File) -> bool {
    file.path.starts_with("tests/ui/")
}

/// Is there `word` in `code`, and not as the end of a longer one?
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        let whole_start = !word.starts_with(is_name) || !before.ends_with(is_name);
        let whole_end = !word.ends_with(is_name) || !after.starts_with(is_name);
        whole_start && whole_end
    })
}

/// Is there a path that starts with `path`, and not one that goes on with it?
fn has_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        !text[..at].ends_with(|c: char| c.is_alphanumeric() || "_-./}$*".contains(c))
    })
}
