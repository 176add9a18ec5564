//! Statements and what is said about them, for one file of traps after the other.
//!
//! `golden/split/<trap>.<engine>.sql` is split, and the statements and diagnostics are compared
//! with the `.txt` beside it. `BLESS=1 cargo test` writes what is; review what it wrote.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_core::diagnostic::{Diagnostic, Section};
use backstitch_core::migration::Transaction;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, lex, split, statement};

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/split");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of golden files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();
    assert!(paths.len() > 20, "golden files are missing");
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for path in paths {
        let found = show(&path);
        let golden = path.with_extension("txt");
        if bless {
            fs::write(&golden, &found).expect("the golden file is written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != found {
            different.push(format!("{}\n{found}", path.display()));
        }
    }
    assert!(
        different.is_empty(),
        "differ from their .txt:\n{}",
        different.join("\n")
    );
}

fn show(path: &Path) -> String {
    let name = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .expect("a name");
    let (_, engine) = name.rsplit_once('.').expect("<trap>.<engine>.sql");
    let dialect = Dialect::from_name(engine).expect("an engine");
    let text = fs::read_to_string(path).expect("a text");
    let source = Source::new("m.sql", text.clone());

    let lexed = lex::lex(&text, dialect);
    let split = split::split(&text, &lexed.tokens, 0..lexed.tokens.len(), dialect);
    let mut shown = String::new();
    let mut diagnostics = lex::diagnose(&source, &lexed);
    diagnostics.extend(split::diagnose(&source, &split, Section::Up));
    for piece in &split.pieces {
        show_piece(&mut shown, &text, &lexed.tokens, piece, dialect);
        diagnostics.extend(statement::diagnose(
            &source,
            piece,
            &lexed.tokens,
            dialect,
            Transaction::One,
            Section::Up,
        ));
    }
    diagnostics.sort_by_key(Diagnostic::position);
    for diagnostic in &diagnostics {
        show_diagnostic(&mut shown, &text, diagnostic);
    }
    shown
}

fn show_piece(
    shown: &mut String,
    text: &str,
    tokens: &[lex::Token],
    piece: &split::Piece,
    dialect: Dialect,
) {
    let comments: Vec<_> = tokens[piece.lead.clone()]
        .iter()
        .filter(|token| token.kind != lex::TokenKind::Blank)
        .map(|token| token.span.of(text))
        .collect();
    let traits = [
        (!comments.is_empty()).then(|| format!("below {comments:?}")),
        piece
            .terminator
            .is_none()
            .then(|| "without semicolon".to_owned()),
        statement::commits(text, piece, tokens, dialect).then(|| "commits".to_owned()),
        statement::is_query(text, piece, tokens, dialect).then(|| "query".to_owned()),
    ];
    let traits: Vec<_> = traits.into_iter().flatten().collect();
    writeln!(shown, "== {}", traits.join(", ")).expect("a string");
    writeln!(shown, "{}", piece.span.of(text)).expect("a string");
}

fn show_diagnostic(shown: &mut String, text: &str, diagnostic: &Diagnostic) {
    let place = diagnostic.position().expect("a place");
    let words = diagnostic.labels[0].span.of(text);
    writeln!(
        shown,
        "!! {} {} at {}:{} {words:?}\n   {}\n   why: {}\n   help: {}",
        diagnostic.severity,
        diagnostic.code,
        place.line,
        place.column,
        diagnostic.message,
        diagnostic.why,
        diagnostic.help
    )
    .expect("a string");
}
