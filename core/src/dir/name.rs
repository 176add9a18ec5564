//! What a file in the folder is by its name, and what it should be called instead.

use super::Layout;
use crate::migration::Markers;

/// A file or folder of another tool.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name<'f> {
    /// Its path in the folder of the migrations.
    pub(super) file: &'f str,
    /// By what people know the migration: without `.up.sql`, `.down.sql` or `.sql`.
    pub(super) id: &'f str,
    /// The version: one to eighteen digits.
    pub(super) digits: String,
    /// What it does.
    pub(super) slug: &'f str,
    pub(super) part: Part,
}

/// What a file of another tool holds of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Up,
    Down,
    /// Both, told apart by these markers.
    Marked(Markers),
    /// A folder with a file for each.
    Folder,
    /// Something that is not written in SQL.
    Program,
}

const MIN_DIGITS: usize = 4;
const MAX_DIGITS: usize = 18;

/// Whether people would take it for a migration.
pub(super) fn looks_like_sql(file: &str) -> bool {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// The id of an annotated file, if it is named as one.
pub(super) fn annotated_id(file: &str) -> Option<&str> {
    let id = file.strip_suffix(".sql")?;
    let (version, slug) = id.split_once('_')?;
    let is_version = (MIN_DIGITS..=MAX_DIGITS).contains(&version.len())
        && version.bytes().all(|b| b.is_ascii_digit());
    let is_slug = !slug.is_empty()
        && slug
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    (is_version && is_slug).then_some(id)
}

/// What a file, or for Diesel a folder, is to the tool of that layout.
pub(super) fn foreign(layout: Layout, file: &str) -> Option<Name<'_>> {
    let last = file.rsplit('/').next().unwrap_or(file);
    let (id, extension) = last.rsplit_once('.').unwrap_or((last, ""));
    let half = || match (id.strip_suffix(".up"), id.strip_suffix(".down")) {
        (Some(id), _) => Some((id, Part::Up)),
        (_, Some(id)) => Some((id, Part::Down)),
        (None, None) => None,
    };
    let (id, part) = match (layout, extension) {
        (Layout::Diesel, _) => (file, Part::Folder),
        (Layout::GolangMigrate, "sql") => half()?,
        // What says neither is an UP without a way back.
        (Layout::Sqlx | Layout::UpDown, "sql") => half().unwrap_or((id, Part::Up)),
        (Layout::Dbmate, "sql") => (id, Part::Marked(Markers::Migrate)),
        (Layout::Goose, "sql") => (id, Part::Marked(Markers::Goose)),
        (Layout::Refinery, "sql") => (id, Part::Up),
        (Layout::Goose, "go") | (Layout::Refinery, "rs") => (id, Part::Program),
        _ => return None,
    };
    let numbered = match layout == Layout::Refinery {
        true => id.strip_prefix(['U', 'V'])?,
        false => id,
    };
    let end = match layout == Layout::Diesel {
        true => numbered.find('_'),
        false => numbered.find(|c: char| !c.is_ascii_digit()),
    };
    let (version, slug) = numbered.split_at(end.unwrap_or(numbered.len()));
    let digits = version.replace('-', "");
    let is_version =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let is_separated = match layout {
        Layout::Diesel | Layout::Dbmate => true,
        Layout::Refinery => slug.len() > 2 && slug.starts_with("__"),
        Layout::GolangMigrate | Layout::Goose => slug.starts_with('_'),
        Layout::Annotated | Layout::Sqlx | Layout::UpDown => {
            slug.len() > 1 && slug.starts_with('_')
        }
    };
    (is_version && is_separated).then_some(Name {
        file,
        id,
        digits,
        slug: match slug.trim_start_matches(['_', '-']) {
            "" => id,
            slug => slug,
        },
        part,
    })
}

/// The one file that `x.up.sql` or `x.down.sql` would become.
pub(super) fn half_of(file: &str) -> Option<String> {
    let lower = file.to_lowercase();
    let id = lower
        .strip_suffix(".up.sql")
        .or_else(|| lower.strip_suffix(".down.sql"))?;
    let meant = corrected(&format!("{id}.sql"), "0001");
    annotated_id(&meant).is_some().then_some(meant)
}

/// The version after the highest of these files, written as wide as that is.
pub(super) fn next_version<'f>(files: impl Iterator<Item = &'f str>) -> String {
    let highest = files
        .filter_map(annotated_id)
        .filter_map(|id| id.split_once('_'))
        .filter_map(|(digits, _)| Some((digits.parse::<u64>().ok()?, digits.len())))
        .max();
    let (version, width) = highest.unwrap_or((0, MIN_DIGITS));
    format!("{:0width$}", version + 1)
}

/// The name that a misnamed file was probably meant to have; `next` where it has no version.
pub(super) fn corrected(file: &str, next: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    // `V1__users` is how refinery and Flyway write it.
    let bare = stem.strip_prefix(['V', 'v']).unwrap_or(stem);
    let digits = bare
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(bare.len());
    let (version, slug) = match digits {
        0 => ("", stem),
        _ => bare.split_at(digits),
    };
    let version = match version.len() {
        1..=MAX_DIGITS => format!("{version:0>MIN_DIGITS$}"),
        _ => next.to_owned(),
    };
    format!("{version}_{}.sql", slugged(slug))
}

fn slugged(text: &str) -> String {
    let mut slug = String::new();
    let mut last = None;
    for c in text.chars() {
        let begins_word = c.is_uppercase() && last.is_some_and(char::is_lowercase);
        match c.to_ascii_lowercase() {
            _ if begins_word => slug.extend(['_', c.to_ascii_lowercase()]),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ => slug.push('_'),
        }
        last = Some(c);
    }
    let words: Vec<&str> = slug.split('_').filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => "what_it_does".to_owned(),
        false => words.join("_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_annotated_files() {
        for good in [
            "0001_a.sql",
            "20260105100000_add_2_things.sql",
            "123456789012345678_x.sql",
        ] {
            assert!(annotated_id(good).is_some(), "{good}");
        }
        for bad in [
            "001_a.sql",
            "1234567890123456789_x.sql",
            "0001_A.sql",
            "0001-a.sql",
            "0001_.sql",
            "0001_a.SQL",
            "0001.sql",
            "a.sql",
            "0001_ä.sql",
            "0001_a.up.sql",
            "٠٠٠١_a.sql",
        ] {
            assert_eq!(annotated_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn corrected_names_are_names() {
        for (file, meant) in [
            ("1_Users.sql", "0001_users.sql"),
            ("0003-add user.SQL", "0003_add_user.sql"),
            ("V12__addUserEmail.sql", "0012_add_user_email.sql"),
            ("users.sql", "0008_users.sql"),
            ("0004.sql", "0004_what_it_does.sql"),
            ("versions.sql", "0008_versions.sql"),
            ("12345678901234567890_x.sql", "0008_x.sql"),
            ("äöü.sql", "0008_what_it_does.sql"),
        ] {
            assert_eq!(corrected(file, "0008"), meant);
            assert!(annotated_id(meant).is_some(), "{meant}");
        }
        assert_eq!(half_of("3_users.up.sql").as_deref(), Some("0003_users.sql"));
        assert_eq!(next_version(["00007_a.sql", "x.sql"].into_iter()), "00008");
    }

    #[test]
    fn files_of_other_tools() {
        let part = |layout, file| foreign(layout, file).map(|name| (name.id, name.part));
        for layout in [Layout::UpDown, Layout::Sqlx] {
            assert_eq!(part(layout, "1_A-b.up.sql"), Some(("1_A-b", Part::Up)));
            assert_eq!(
                part(layout, "0001_a.down.sql"),
                Some(("0001_a", Part::Down))
            );
            assert_eq!(part(layout, "0001_a.sql"), Some(("0001_a", Part::Up)));
            assert_eq!(part(layout, "a.up.sql"), None);
            assert_eq!(part(layout, "0001.sql"), None);
        }
        let part = |layout, file| part(layout, file).map(|(_, part)| part);
        for (layout, file, expected) in [
            (Layout::GolangMigrate, "1_.up.sql", Some(Part::Up)),
            (Layout::GolangMigrate, "1_a.sql", None),
            (
                Layout::Diesel,
                "2026-01-05-100000_users",
                Some(Part::Folder),
            ),
            (
                Layout::Diesel,
                "2026-01-05-100000-0000_v1.2",
                Some(Part::Folder),
            ),
            (Layout::Diesel, "first_users", None),
            (
                Layout::Dbmate,
                "20260105.sql",
                Some(Part::Marked(Markers::Migrate)),
            ),
            (Layout::Dbmate, "schema.sql", None),
            (Layout::Goose, "1_a.sql", Some(Part::Marked(Markers::Goose))),
            (Layout::Goose, "1_a.go", Some(Part::Program)),
            (Layout::Goose, "1.sql", None),
            (Layout::Refinery, "V1__a.sql", Some(Part::Up)),
            (Layout::Refinery, "U1__a.rs", Some(Part::Program)),
            (Layout::Refinery, "V1.1__a.sql", None),
            (Layout::Refinery, "V1_a.sql", None),
            (Layout::Refinery, "V1234567890123456789__a.sql", None),
        ] {
            assert_eq!(part(layout, file), expected, "{file}");
        }
    }
}
