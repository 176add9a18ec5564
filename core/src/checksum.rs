//! What was applied, in 32 bytes.
//!
//! A [`Checksum`] is taken over the *tokens* of the statements, so that comments, blank space and
//! line endings do not count while every byte of a literal, a name, a number or an operator does.
//! A [`Digest`] sums the checksums of a set so that two sets can be compared in one look.
//!
//! Both definitions are frozen and carry their version, `v1:`. The tests hold vectors that must
//! never change; a better definition is a `v2:` beside it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 over a token stream; written `v1:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum([u8; 32]);

/// Builds a [`Checksum`] from the parts of a migration, in order.
#[derive(Clone)]
pub struct Hasher(Sha256);

/// What a hashed statement is. Part of the frozen definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A CHECK BEFORE.
    CheckBefore,
    /// A statement of the UP.
    Up,
    /// A CHECK AFTER.
    CheckAfter,
    /// A statement of the DOWN.
    Down,
}

impl Hasher {
    /// Nothing hashed yet.
    #[expect(
        clippy::new_without_default,
        reason = "an empty checksum is not a sensible default"
    )]
    pub fn new() -> Hasher {
        Hasher(Sha256::new())
    }

    /// Adds one statement: one byte for its role, then each token as its length in bytes (eight
    /// bytes, little endian) and its bytes, then the length `u64::MAX` as the end.
    ///
    /// `tokens` are the texts of the tokens that are neither blank nor comment, without the
    /// semicolon that ends the statement.
    pub fn statement<'a>(&mut self, role: Role, tokens: impl IntoIterator<Item = &'a str>) {
        let role = match role {
            Role::CheckBefore => b'b',
            Role::Up => b'u',
            Role::CheckAfter => b'a',
            Role::Down => b'd',
        };
        self.0.update([role]);
        for token in tokens {
            self.0.update((token.len() as u64).to_le_bytes());
            self.0.update(token.as_bytes());
        }
        self.0.update(u64::MAX.to_le_bytes());
    }

    /// The checksum of what was added.
    pub fn finish(self) -> Checksum {
        Checksum(self.0.finalize().into())
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v1:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Checksum`] or [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not `v1:` and 64 hexadecimal digits",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for ParseError {}

impl FromStr for Checksum {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Checksum, ParseError> {
        parse_v1(text).map(Checksum)
    }
}

impl TryFrom<String> for Checksum {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Checksum, ParseError> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> String {
        checksum.to_string()
    }
}

/// The sum of the (id, checksum) pairs of a set, whatever their order; written `v1:` and 64
/// hexadecimal digits.
///
/// Each pair is hashed with SHA-256 and read as four little-endian 64-bit numbers, which are added
/// up lane by lane, wrapping. Adding and removing a pair are inverse, so the history can keep the
/// digest up to date without reading itself.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest([u64; 4]);

impl Digest {
    /// The digest of the empty set.
    pub const EMPTY: Digest = Digest([0; 4]);

    /// The digest with these four lanes, see [`lanes`](Digest::lanes).
    pub const fn from_lanes(lanes: [u64; 4]) -> Digest {
        Digest(lanes)
    }

    /// The four sums.
    pub const fn lanes(self) -> [u64; 4] {
        self.0
    }

    /// The digest with this pair too.
    #[must_use]
    pub fn with(self, id: &str, checksum: &Checksum) -> Digest {
        self.combine(id, checksum, u64::wrapping_add)
    }

    /// The digest without this pair.
    #[must_use]
    pub fn without(self, id: &str, checksum: &Checksum) -> Digest {
        self.combine(id, checksum, u64::wrapping_sub)
    }

    fn combine(self, id: &str, checksum: &Checksum, op: fn(u64, u64) -> u64) -> Digest {
        let mut hash = Sha256::new();
        hash.update((id.len() as u64).to_le_bytes());
        hash.update(id.as_bytes());
        hash.update(checksum.0);
        let hash: [u8; 32] = hash.finalize().into();
        let mut lanes = self.0;
        for (lane, bytes) in lanes.iter_mut().zip(hash.chunks_exact(8)) {
            *lane = op(
                *lane,
                u64::from_le_bytes(bytes.try_into().expect("chunks of eight")),
            );
        }
        Digest(lanes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v1:")?;
        self.0.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Digest, ParseError> {
        let bytes = parse_v1(text)?;
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
            *lane = u64::from_be_bytes(bytes.try_into().expect("chunks of eight"));
        }
        Ok(Digest(lanes))
    }
}

fn parse_v1(text: &str) -> Result<[u8; 32], ParseError> {
    let error = || ParseError(text.chars().take(80).collect());
    let hex = text.strip_prefix("v1:").ok_or_else(error)?;
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(error());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| error())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::lex;

    fn statement(hasher: &mut Hasher, role: Role, sql: &str) {
        let lexed = lex::lex(sql, Dialect::Postgres);
        hasher.statement(role, lex::significant(sql, &lexed.tokens));
    }

    fn checksum(statements: &[(Role, &str)]) -> Checksum {
        let mut hasher = Hasher::new();
        for (role, sql) in statements {
            statement(&mut hasher, *role, sql);
        }
        hasher.finish()
    }

    const USERS: &[(Role, &str)] = &[(Role::Up, "CREATE TABLE users (id int)")];
    const FULL: &[(Role, &str)] = &[
        (Role::CheckBefore, "SELECT 1"),
        (Role::Up, "CREATE TABLE größe (id int)"),
        (Role::Up, "SELECT 'a;\n b'"),
        (Role::CheckAfter, "SELECT 2"),
    ];

    /// These were computed by another program from the definition. They are in the history of
    /// databases: when one changes, the definition has changed, which needs a new version.
    #[test]
    fn golden_checksums() {
        let golden: [(&[(Role, &str)], &str); 4] = [
            (
                &[],
                "v1:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                USERS,
                "v1:5dc9160c287d220ca9c36d42dc8f696f6d891bb9bdb98696a144206a1241fdd8",
            ),
            (
                FULL,
                "v1:3a89dc604678159306023f8d48046cf6f3b96930b3ce32b931e230b425305963",
            ),
            (
                &[(Role::Down, "DROP TABLE users")],
                "v1:ad8079ecb6bc81703085bb0ffba37efc4d356a3853509401564401044e7e004a",
            ),
        ];
        for (statements, expected) in golden {
            assert_eq!(checksum(statements).to_string(), expected);
            assert_eq!(expected.parse(), Ok(checksum(statements)));
        }
    }

    /// As [`golden_checksums`].
    #[test]
    fn golden_digests() {
        let one = Digest::EMPTY.with("0001_users", &checksum(USERS));
        let both = one.with("0002_x", &checksum(FULL));
        assert_eq!(
            one.to_string(),
            "v1:148c30395489e6754bb7edfc9de88241a4e6c0cc55b47d83a3fd56d107b81c1a"
        );
        assert_eq!(
            both.to_string(),
            "v1:e7dfe24c49d010da14177ae4879b8c98172a032cc423254aea6cc19db27a834c"
        );
        assert_eq!(both.to_string().parse(), Ok(both));
        assert_eq!(
            both.without("0001_users", &checksum(USERS))
                .without("0002_x", &checksum(FULL)),
            Digest::EMPTY
        );
        assert_eq!(Digest::from_lanes(both.lanes()), both);
    }

    /// Each text on the left must have the checksum of the right one, or must not.
    #[test]
    fn what_counts_and_what_does_not() {
        let same =
            |one: &str, other: &str| checksum(&[(Role::Up, one)]) == checksum(&[(Role::Up, other)]);
        for (one, other) in [
            ("SELECT a, b", "SELECT\r\n\ta,\n\tb -- c"),
            ("SELECT a", "\u{feff}/* x */SELECT/**/a"),
            ("a=-1", "a = - 1"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
        for (one, other) in [
            ("SELECT 'a b'", "SELECT 'a  b'"),
            ("SELECT 'a\nb'", "SELECT 'a\r\nb'"),
            ("SELECT $$a$$", "SELECT $$ a$$"),
            ("SELECT \"a\"", "SELECT \"A\""),
            ("SELECT a", "select a"),
            ("SELECT ab", "SELECT a b"),
            ("SELECT 1.0", "SELECT 1.00"),
            ("SELECT a<-1", "SELECT a < +1"),
            ("SELECT a - -1", "SELECT a -1"),
            ("SELECT a@-1", "SELECT a @ -1"),
            ("SELECT E'a'", "SELECT 'a'"),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn where_a_statement_stands_counts() {
        let roles = [Role::CheckBefore, Role::Up, Role::CheckAfter, Role::Down];
        let sums: std::collections::HashSet<_> = roles
            .iter()
            .map(|role| checksum(&[(*role, "SELECT 1")]).to_string())
            .chain([checksum(&[(Role::Up, "SELECT"), (Role::Up, "1")]).to_string()])
            .chain([checksum(&[(Role::Up, "1"), (Role::Up, "SELECT")]).to_string()])
            .collect();
        assert_eq!(sums.len(), roles.len() + 2);
    }

    #[test]
    fn only_what_is_written_is_read() {
        let sum = checksum(USERS).to_string();
        for wrong in [
            "",
            "v1:",
            "v2:",
            &sum[3..],
            &sum[..66],
            &sum.to_uppercase(),
            &format!("{sum}0"),
            "v1:ü",
        ] {
            assert!(wrong.parse::<Checksum>().is_err(), "{wrong}");
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
        let json = serde_json::to_string(&checksum(USERS)).expect("a string");
        assert_eq!(json, format!("\"{sum}\""));
        assert_eq!(
            serde_json::from_str::<Checksum>(&json).expect("a checksum"),
            checksum(USERS)
        );
    }
}
