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
