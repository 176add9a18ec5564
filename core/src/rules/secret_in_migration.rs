//! Passwords and keys that end up in the repository and in the binary; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "secret-in-migration",
    group: Group::Security,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("secret_in_migration.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let acts = situation.up().chain(situation.down());
    let quoting = acts.filter(|act| {
        let text = act.text();
        ['\'', '"', '$'].iter().any(|quote| text.contains(*quote))
    });
    let found = quoting.flat_map(|act| {
        let secrets = secrets(&act.lexemes()).into_iter();
        secrets.map(move |(span, what)| finding(act, span, what))
    });
    found.collect()
}

/// Words after which a string is a password, once an `=` or `:=` between them is left out.
const OPENERS: &[&[&str]] = &[
    &["PASSWORD"],
    &["IDENTIFIED", "BY"],
    &["MASTER_PASSWORD"],
    &["SOURCE_PASSWORD"],
];

fn secrets(lexemes: &[Lexeme<'_>]) -> Vec<(Span, &'static str)> {
    let strings = lexemes.iter().enumerate();
    let strings = strings.filter(|(_, lexeme)| lexeme.kind == TokenKind::String);
    let found = strings.filter_map(|(at, lexeme)| {
        let value = content(lexeme.text);
        let before: Vec<_> = lexemes[..at]
            .iter()
            .filter(|one| one.text != "=" && one.text != ":=")
            .collect();
        let what = match value {
            _ if is_placeholder(value) => None,
            _ if follows_opener(&before) && is_account(lexemes) => Some("a password"),
            _ if sets_password(lexemes, at) => Some("a password"),
            _ => known_form(value),
        };
        Some((lexeme.span, what?))
    });
    found.collect()
}

fn follows_opener(before: &[&Lexeme<'_>]) -> bool {
    OPENERS.iter().any(|opener| {
        let tail = before
            .len()
            .checked_sub(opener.len())
            .map(|from| &before[from..]);
        tail.is_some_and(|tail| {
            tail.iter()
                .zip(*opener)
                .all(|(lexeme, word)| lexeme.is(word))
        })
    })
}

/// Whether it is a statement about an account or a server, and not one in which something has the
/// name `password`.
fn is_account(lexemes: &[Lexeme<'_>]) -> bool {
    let heads = ["CREATE", "ALTER", "GRANT", "CHANGE"];
    let nouns = [
        "ROLE",
        "USER",
        "GROUP",
        "SERVER",
        "GRANT",
        "MASTER",
        "REPLICATION",
        "SUBSCRIPTION",
    ];
    let begins = lexemes
        .first()
        .is_some_and(|first| heads.iter().any(|head| first.is(head)));
    let start = &lexemes[..lexemes.len().min(5)];
    begins
        && start
            .iter()
            .any(|lexeme| nouns.iter().any(|noun| lexeme.is(noun)))
}

/// `SET PASSWORD [FOR x] = 'y'`
fn sets_password(lexemes: &[Lexeme<'_>], at: usize) -> bool {
    let [set, password, ..] = lexemes else {
        return false;
    };
    set.is("SET") && password.is("PASSWORD") && at + 1 == lexemes.len()
}

/// What stands between the quotes.
fn content(literal: &str) -> &str {
    let inner = literal.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '&');
    match inner.strip_prefix('$') {
        Some(tagged) => tagged.split_once('$').map_or("", |(_, body)| body),
        None => inner.trim_matches(['\'', '"']),
    }
}

fn is_placeholder(value: &str) -> bool {
    let wrapped = [("${", "}"), ("{{", "}}"), ("<", ">"), ("%", "%")];
    let is_wrapped =
        |(open, close): &(&str, &str)| value.starts_with(open) && value.ends_with(close);
    value.is_empty() || wrapped.iter().any(is_wrapped)
}

/// What a value is by its form alone.
fn known_form(value: &str) -> Option<&'static str> {
    let word = |prefix: &str, len: usize| {
        value.match_indices(prefix).any(|(at, _)| {
            let rest = &value[at + prefix.len()..];
            let letters = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            let is_start = !value[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            is_start && letters.count() >= len
        })
    };
    if word("AKIA", 16) || word("ASIA", 16) {
        Some("a key of AWS")
    } else if word("ghp_", 36) || word("gho_", 36) || word("github_pat_", 30) {
        Some("a token of GitHub")
    } else if ["xoxb-", "xoxp-", "xoxa-", "xoxs-"]
        .iter()
        .any(|prefix| word(prefix, 10))
    {
        Some("a token of Slack")
    } else if word("sk_live_", 16) || word("rk_live_", 16) {
        Some("a key of Stripe")
    } else if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----") {
        Some("a private key")
    } else if is_signed_token(value) {
        Some("a signed token")
    } else if has_login(value) {
        Some("an address with a password")
    } else {
        None
    }
}

/// `eyJ….eyJ….…`
fn is_signed_token(value: &str) -> bool {
    let mut parts = value.split('.');
    let mut next = || parts.next().unwrap_or_default();
    let (head, body, signature) = (next(), next(), next());
    head.starts_with("eyJ") && body.starts_with("eyJ") && head.len() > 10 && signature.len() > 10
}

/// `scheme://user:password@host`, or `password=…` of a connection string.
fn has_login(value: &str) -> bool {
    let by_url = value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', ' ']).next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login
            .and_then(|login| login.split_once(':'))
            .is_some_and(|(_, password)| !is_placeholder(password))
    });
    let by_words = value
        .split_once("password=")
        .is_some_and(|(before, after)| {
            let password = after.split(' ').next().unwrap_or_default();
            before.contains("host=") && !is_placeholder(password)
        });
    by_url || by_words
}

fn finding(act: Act<'_>, span: Span, what: &str) -> Finding {
    act.find(span, format!("{what} stands in a migration"))
        .label("readable for everybody who has the file or the binary")
        .why(
            "Migrations are kept in the repository for ever and compiled into the binary, and \
             servers write such statements into their logs.",
        )
        .help("Set it outside of the migrations, from where secrets are kept, and change this one now.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_form() {
        for secret in [
            concat!("AKIA", "IOSFODNN7EXAMPLE"),
            "postgres://app:hunter2@db/app",
            "host=db user=app password=hunter2",
            "-----BEGIN RSA PRIVATE KEY-----",
        ] {
            assert!(known_form(secret).is_some(), "{secret}");
        }
        for harmless in [
            "postgres://app@db/app",
            "postgres://app:${PASSWORD}@db/app",
            "https://example.org/a:b@c",
            "AKIA",
            "$2b$12$abcdefghijklmnopqrstuv",
            "eyJ.eyJ.x",
        ] {
            assert_eq!(known_form(harmless), None, "{harmless}");
        }
    }
}
