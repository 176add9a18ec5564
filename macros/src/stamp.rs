//! What was found, kept for the next time: a macro runs whenever its crate is compiled, and an edit
//! elsewhere in the crate must not pay for the checks again.
//!
//! A stamp is a file in `OUT_DIR`, which a crate has as soon as it has a build script. It holds
//! everything that counted, byte for byte, so that nothing is taken for the same that is not, and
//! what came of it. Only what compiles is kept: errors are looked for anew. A stamp that cannot be
//! read, for whatever reason, is as good as none.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

/// What came of checking a folder that compiles.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The Rust of the value.
    pub(crate) value: String,
    /// The files to track besides those that the value names.
    pub(crate) tracked: Vec<String>,
    /// Code and text of each compiler warning.
    pub(crate) warnings: Vec<(String, String)>,
}

/// A place for an outcome, and what the outcome depends on.
pub(crate) struct Stamp {
    path: PathBuf,
    key: Vec<u8>,
}

/// The first line of every stamp: it changes with this library.
const HEAD: &str = concat!(
    "backstitch ",
    env!("CARGO_PKG_VERSION"),
    " ",
    env!("BACKSTITCH_BUILD"),
    "\n"
);

/// Whether SQLite itself judges, which is part of what an outcome depends on.
const JUDGE: &[u8] = if cfg!(feature = "sqlite") {
    b"sqlite"
} else {
    b"model"
};

impl Stamp {
    /// The stamp in the folder `out_dir` for one call of the macro. `call` tells it from the others
    /// of the crate, `inputs` are whatever else counts.
    pub(crate) fn new(out_dir: &Path, call: &[&[u8]], inputs: &[&[u8]]) -> Stamp {
        let mut key = Vec::new();
        for part in call.iter().chain([&JUDGE]).chain(inputs) {
            put(&mut key, part);
        }
        let name = format!("backstitch-{:016x}.stamp", sum(call));
        Stamp {
            path: out_dir.join(name),
            key,
        }
    }

    /// The outcome, if nothing that counts has changed since it was written.
    pub(crate) fn read(&self) -> Option<Outcome> {
        let bytes = fs::read(&self.path).ok()?;
        let mut rest = bytes.strip_prefix(HEAD.as_bytes())?;
        let (key, outcome) = (take(&mut rest)?, take(&mut rest)?);
        let is_whole = rest == sum(&[outcome]).to_le_bytes();
        if key != self.key || !is_whole {
            return None;
        }
        decode(outcome)
    }

    /// Keeps an outcome. That it cannot be kept costs time alone, so nobody is told.
    pub(crate) fn write(&self, outcome: &Outcome) {
        let outcome = encode(outcome);
        let mut bytes = HEAD.as_bytes().to_vec();
        put(&mut bytes, &self.key);
        put(&mut bytes, &outcome);
        bytes.extend(sum(&[&outcome]).to_le_bytes());
        // Several compilers may be at it for one crate; each puts a whole file in place.
        let own = self
            .path
            .with_extension(format!("{}.tmp", std::process::id()));
        if fs::write(&own, bytes).is_err() || fs::rename(&own, &self.path).is_err() {
            // A leftover harms nobody, and whoever forbids writing forbids deleting too.
            let _ = fs::remove_file(&own);
        }
    }
}

fn encode(outcome: &Outcome) -> Vec<u8> {
    let Outcome {
        value,
        tracked,
        warnings,
    } = outcome;
    let mut bytes = Vec::new();
    put(&mut bytes, value.as_bytes());
    put(&mut bytes, &(tracked.len() as u64).to_le_bytes());
    for text in tracked {
        put(&mut bytes, text.as_bytes());
    }
    for (code, text) in warnings {
        put(&mut bytes, code.as_bytes());
        put(&mut bytes, text.as_bytes());
    }
    bytes
}

fn decode(mut rest: &[u8]) -> Option<Outcome> {
    let mut outcome = Outcome {
        value: text(&mut rest)?,
        ..Outcome::default()
    };
    let count = u64::from_le_bytes(take(&mut rest)?.try_into().ok()?);
    for _ in 0..count {
        outcome.tracked.push(text(&mut rest)?);
    }
    while !rest.is_empty() {
        outcome.warnings.push((text(&mut rest)?, text(&mut rest)?));
    }
    Some(outcome)
}

/// Appends a part with its length before it.
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_le_bytes());
    bytes.extend(part);
}

/// The next part that was [`put`].
fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (len, behind) = rest.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (part, behind) = behind.split_at_checked(len)?;
    *rest = behind;
    Some(part)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(take(rest)?.to_vec()).ok()
}

/// A sum that notices an accident, not an attack: whoever can write a stamp can write the program.
fn sum(parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write(part);
        hasher.write_u8(0);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            value: "::x!(\"ü\")".to_owned(),
            tracked: vec!["/a".to_owned(), "/b".to_owned()],
            warnings: vec![("a-code".to_owned(), "a text\nof two lines".to_owned())],
        }
    }

    fn stamp(dir: &Path, inputs: &[&[u8]]) -> Stamp {
        Stamp::new(dir, &[b"folder"], inputs)
    }

    #[test]
    fn what_is_kept_comes_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let stamp = stamp(dir.path(), &[b"a", b"b"]);
        assert_eq!(stamp.read(), None);
        for outcome in [outcome(), Outcome::default()] {
            stamp.write(&outcome);
            assert_eq!(stamp.read(), Some(outcome));
        }
        let files = fs::read_dir(dir.path()).expect("a folder").count();
        assert_eq!(files, 1, "nothing is left lying about");
    }

    #[test]
    fn anything_else_is_not_the_same() {
        let dir = tempfile::tempdir().expect("a folder");
        stamp(dir.path(), &[b"a", b"b"]).write(&outcome());
        for inputs in [&[b"a".as_slice(), b"c"][..], &[b"ab"], &[b"a", b"", b"b"]] {
            assert_eq!(stamp(dir.path(), inputs).read(), None, "{inputs:?}");
        }
        let other_call = Stamp::new(dir.path(), &[b"other"], &[b"a", b"b"]);
        assert_eq!(other_call.read(), None);
        other_call.write(&Outcome::default());
        let first = stamp(dir.path(), &[b"a", b"b"]).read();
        assert_eq!(
            first,
            Some(outcome()),
            "two calls do not disturb each other"
        );
    }

    #[test]
    fn any_accident_makes_it_no_stamp() {
        let dir = tempfile::tempdir().expect("a folder");
        let stamp = stamp(dir.path(), &[b"a", b"b"]);
        stamp.write(&outcome());
        let whole = fs::read(&stamp.path).expect("the stamp");
        for at in 0..whole.len() {
            fs::write(&stamp.path, &whole[..at]).expect("writable");
            assert_eq!(stamp.read(), None, "cut at {at}");
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&stamp.path, bytes).expect("writable");
            assert_eq!(stamp.read(), None, "another bit at {at}");
        }
        fs::write(&stamp.path, [whole.as_slice(), b"x"].concat()).expect("writable");
        assert_eq!(stamp.read(), None, "longer");
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let stamp = stamp(&dir.path().join("missing"), &[b"a"]);
        stamp.write(&outcome());
        assert_eq!(stamp.read(), None);
    }
}
