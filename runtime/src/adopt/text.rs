//! Whether a checksum of another tool is that of a text which this program holds.
//!
//! The tools hash the bytes of their files. Such a file may be here as it was, with the line
//! endings of another system, or as the UP section of a file that was imported.

use std::hash::Hasher;

use backstitch_core::Migration;
use sha2::{Digest, Sha384};
use siphasher::sip::SipHasher13;

use super::Basis;
use super::tool::{TheirRow, Tool};

const MARK: &str = "\u{feff}";

/// How it is known that the tool ran this migration. `None`: it ran another text.
pub(super) fn basis(tool: Tool, row: &TheirRow, migration: &Migration) -> Option<Basis> {
    let is_theirs: Box<dyn Fn(&str) -> bool> = match (tool, &row.checksum) {
        (Tool::Sqlx, Some(checksum)) => Box::new(|text| sha_384(text) == *checksum),
        (Tool::Refinery, Some(checksum)) => {
            let name = row.name.as_deref().unwrap_or_default();
            let version = row.version.parse().unwrap_or_default();
            Box::new(move |text| {
                let hashes =
                    [Width::Four, Width::Eight].map(|width| sip(name, version, width, text));
                hashes.iter().any(|hash| hash == checksum)
            })
        }
        (Tool::Sqlx | Tool::Refinery, None) => return None,
        (Tool::Diesel | Tool::GolangMigrate | Tool::Dbmate | Tool::Goose, _) => {
            return Some(Basis::Version);
        }
    };
    let file = migration.source().text();
    if is_theirs(file) {
        return Some(Basis::File);
    }
    if spellings(file).any(|text| is_theirs(&text)) {
        return Some(Basis::LineEndings);
    }
    let section = migration.up.span.of(file);
    let of_section = ends(section).any(|text| spellings(&text).any(|text| is_theirs(&text)));
    of_section.then_some(Basis::Section)
}

/// The text with the line endings of either system, with and without a byte order mark.
fn spellings(text: &str) -> impl Iterator<Item = String> {
    let lf = text.trim_start_matches(MARK).replace("\r\n", "\n");
    let crlf = lf.replace('\n', "\r\n");
    let marked = [format!("{MARK}{lf}"), format!("{MARK}{crlf}")];
    [lf, crlf].into_iter().chain(marked)
}

/// The text of a section as the file that it came from may have begun and ended: the blank lines
/// around it belong to the markers.
fn ends(section: &str) -> impl Iterator<Item = String> {
    let bare = section.trim_matches(['\n', '\r']).replace("\r\n", "\n");
    let whole = section.trim_start_matches(['\r', '\n']).to_owned();
    let ends = (0..=3).map(move |n| format!("{bare}{}", "\n".repeat(n)));
    let begins = |text: String| [format!("\n{text}"), text];
    ends.flat_map(begins).chain([whole])
}

/// sqlx 0.9, `sqlx-core/src/migrate/migration.rs`: SHA-384 of the text.
fn sha_384(text: &str) -> String {
    let hash = Sha384::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How wide refinery's versions are: four bytes, or eight by one of its features.
#[derive(Clone, Copy)]
enum Width {
    Four,
    Eight,
}

/// refinery 0.10, `refinery_core/src/runner.rs`: SipHash-1-3 of name, version and text, as they
/// hash themselves.
fn sip(name: &str, version: i64, width: Width, text: &str) -> String {
    const END_OF_TEXT: &[u8] = &[0xff];
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    hasher.write(END_OF_TEXT);
    match (width, i32::try_from(version)) {
        (Width::Four, Ok(version)) => hasher.write(&version.to_le_bytes()),
        (Width::Four | Width::Eight, _) => hasher.write(&version.to_le_bytes()),
    }
    hasher.write(text.as_bytes());
    hasher.write(END_OF_TEXT);
    hasher.finish().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_may_have_been_any_of_these_files() {
        let found: Vec<String> = ends("\nSELECT 1;\r\nSELECT 2;\n\n").collect();
        for file in [
            "SELECT 1;\nSELECT 2;",
            "SELECT 1;\nSELECT 2;\n",
            "\nSELECT 1;\nSELECT 2;\n",
        ] {
            assert!(
                found.iter().any(|text| text == file),
                "{file:?} in {found:?}"
            );
        }
    }

    #[test]
    fn a_file_may_have_been_written_elsewhere() {
        let found: Vec<String> = spellings("a\r\nb\n").collect();
        assert_eq!(found[..2], ["a\nb\n", "a\r\nb\r\n"]);
        assert_eq!(found[2..], ["\u{feff}a\nb\n", "\u{feff}a\r\nb\r\n"]);
    }
}
