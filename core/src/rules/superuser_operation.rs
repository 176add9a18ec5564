//! Statements that need more rights than a service should have; see the page.

use super::finding::{Finding, Strength};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::Change;
use crate::dialect::Family;
use crate::dialect::phrase::Phrase;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "superuser-operation",
    group: Group::Security,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("superuser_operation.md"),
};

/// How statements begin that need them, and what they do.
const POSTGRES: &[(Phrase, &str)] = &[
    (Phrase("COPY … PROGRAM"), "runs a program on the server"),
    (Phrase("LOAD *"), "loads a library into the server"),
    (
        Phrase("ALTER SYSTEM"),
        "changes the settings of the whole server",
    ),
    (
        Phrase("CREATE EVENT TRIGGER"),
        "runs at every change of the schema",
    ),
    (Phrase("CREATE TABLESPACE"), "uses a folder of the server"),
    (Phrase("DROP TABLESPACE"), "uses a folder of the server"),
    (
        Phrase("CREATE|ALTER ROLE|USER … SUPERUSER|BYPASSRLS|REPLICATION|CREATEROLE"),
        "gives rights over the whole server",
    ),
];

/// Accounts need fewer rights than the rest, but are those of all databases.
const ACCOUNTS: Phrase = Phrase("CREATE|DROP ROLE|USER|GROUP");

const MYSQL: &[(Phrase, &str)] = &[
    (
        Phrase("LOAD DATA|XML [LOW_PRIORITY|CONCURRENT] INFILE"),
        "reads a file of the server",
    ),
    (
        Phrase("SET GLOBAL|PERSIST|PERSIST_ONLY"),
        "changes a setting of the whole server",
    ),
    (
        Phrase("INSTALL PLUGIN|SONAME|COMPONENT"),
        "loads a library into the server",
    ),
    (
        Phrase("UNINSTALL PLUGIN|SONAME|COMPONENT"),
        "unloads a library of the server",
    ),
];

/// Functions of Postgres that reach the files of the server.
const FILES: &[&str] = &[
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_dir",
    "pg_stat_file",
    "lo_import",
    "lo_export",
];

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let family = situation.dialect().modelling().family;
    let heads = match family {
        Family::Postgres => POSTGRES,
        Family::MySql => MYSQL,
        Family::Sqlite => &[],
    };
    let acts = situation.up().filter(|act| may_be(act, family, heads));
    let found = acts.filter_map(|act| {
        let lexemes = act.lexemes();
        let by_head = heads
            .iter()
            .find(|(phrase, _)| phrase.covers(&lexemes).is_some());
        let what = by_head.map(|(_, what)| *what);
        let Some(what) = what.or_else(|| of_files(&lexemes, family)) else {
            return ACCOUNTS.covers(&lexemes).map(|_| account(act));
        };
        let finding = act
            .find_whole("the account that migrates needs rights over the whole server")
            .label(what)
            .why(
                "Who gets into that account has the server, and not one database. Where such rights \
                 are not given, and hosted servers give them to nobody, the migration stops here.",
            )
            .help("Do it where the server is set up, and let the migration use what is there.");
        Some(finding)
    });
    found.collect()
}

fn account(act: Act<'_>) -> Finding {
    act.find_whole("an account belongs to all databases of a server")
        .strength(Strength::Remark)
        .label("fails, or takes others along, where there are several")
        .why(
            "The migration runs once for each database: on the second one the account is there \
             already, or is gone.",
        )
        .help("Make accounts where the server is set up, and grant in migrations.")
}

/// Whether its first letters, or a word in it, are those of one of them: quickly told, and mostly
/// not so.
fn may_be(act: &Act<'_>, family: Family, heads: &[(Phrase, &str)]) -> bool {
    if !is_unread(act) {
        return false;
    }
    let text = act.text();
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let begins = |phrase: &Phrase| {
        let head = phrase.0.split(' ').next().unwrap_or_default();
        head.split('|').any(|head| head.eq_ignore_ascii_case(first))
    };
    let phrases = heads.iter().map(|(phrase, _)| phrase);
    let is_head = phrases.chain([&ACCOUNTS]).any(begins);
    is_head || (family == Family::Postgres && FILES.iter().any(|name| text.contains(name)))
}

/// Whether it is none of the statements that make up most of a migration.
fn is_unread(act: &Act<'_>) -> bool {
    matches!(
        act.step.change,
        Change::Harmless
            | Change::Opaque(_)
            | Change::Data(_)
            | Change::CreateOther(_)
            | Change::Drop(_)
    )
}

/// `COPY … FROM '/path'`, and functions that read files.
fn of_files(lexemes: &[Lexeme<'_>], family: Family) -> Option<&'static str> {
    if family != Family::Postgres {
        return None;
    }
    let copies = lexemes.first().is_some_and(|first| first.is("COPY"));
    let names_file = |two: &[Lexeme<'_>]| {
        (two[0].is("FROM") || two[0].is("TO")) && two[1].kind == TokenKind::String
    };
    let calls = |two: &[Lexeme<'_>]| two[1].text == "(" && FILES.iter().any(|name| two[0].is(name));
    let mut pairs = lexemes.windows(2);
    let is_it = pairs.any(|two| (copies && names_file(two)) || calls(two));
    is_it.then_some("reads or writes a file of the server")
}
