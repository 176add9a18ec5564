//! How a folder of migrations is laid out: ours, and those of other tools.

use std::fs;
use std::path::Path;

use super::name::{self, Part};

/// How the files of a folder are named, and what stands in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `0001_users.sql`: ours, one annotated file with UP and DOWN.
    #[default]
    Annotated,
    /// `0001_users.up.sql` and, if there is a way back, `0001_users.down.sql`, or `0001_users.sql`
    /// without one. A file of another name is an error.
    UpDown,
    /// The same, as sqlx has it: a file of another name is left out.
    Sqlx,
    /// `1_users.up.sql` and `1_users.down.sql`.
    GolangMigrate,
    /// A folder for each migration, `2026-01-05-100000_users`, with `up.sql` and `down.sql`.
    Diesel,
    /// One file, with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// One file, with `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// `V1__users.sql`, which has no way back.
    Refinery,
}

impl Layout {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Layout; 8] = [
        Layout::Annotated,
        Layout::Sqlx,
        Layout::GolangMigrate,
        Layout::Diesel,
        Layout::Dbmate,
        Layout::Goose,
        Layout::Refinery,
        Layout::UpDown,
    ];

    /// The name on the command line; of a layout that a tool made, the name of the tool.
    pub const fn name(self) -> &'static str {
        match self {
            Layout::Annotated => "annotated",
            Layout::UpDown => "up-down",
            Layout::Sqlx => "sqlx",
            Layout::GolangMigrate => "golang-migrate",
            Layout::Diesel => "diesel",
            Layout::Dbmate => "dbmate",
            Layout::Goose => "goose",
            Layout::Refinery => "refinery",
        }
    }

    /// The layout of that [`name`](Layout::name).
    pub fn from_name(name: &str) -> Option<Layout> {
        Layout::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The layout that the folder evidently has instead of ours.
    ///
    /// `None` when a single file speaks to us, and when nothing tells.
    pub fn evident(dir: &Path) -> Option<Layout> {
        let entries: Vec<_> = fs::read_dir(dir).ok()?.filter_map(Result::ok).collect();
        let mut files: Vec<String> = entries
            .iter()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|file| name::looks_like_sql(file) && !file.starts_with('.'))
            .collect();
        files.sort();
        if files.is_empty() {
            let holds_up = |entry: &fs::DirEntry| entry.path().join("up.sql").is_file();
            return entries.iter().any(holds_up).then_some(Layout::Diesel);
        }
        let texts = files.iter().map(|file| fs::read(dir.join(file)));
        let mut by_text = None;
        for text in texts.filter_map(Result::ok) {
            match speaker(&String::from_utf8_lossy(&text)) {
                Some(Layout::Annotated) => return None,
                speaker => by_text = by_text.or(speaker),
            }
        }
        by_text.or_else(|| by_names(&files))
    }
}

/// Whose markers the text holds.
fn speaker(text: &str) -> Option<Layout> {
    text.lines().find_map(|line| {
        let comment = line.trim_start().strip_prefix("--")?.trim_start();
        let begins = |words: &str| comment.starts_with(words);
        if begins("@") || begins("UP MIGRATION") || begins("DOWN MIGRATION") {
            Some(Layout::Annotated)
        } else if begins("+goose") {
            Some(Layout::Goose)
        } else {
            begins("migrate:").then_some(Layout::Dbmate)
        }
    })
}

/// What the names of files without any marker tell.
fn by_names(files: &[String]) -> Option<Layout> {
    let are_all = |layout| {
        files
            .iter()
            .all(|file| name::foreign(layout, file).is_some())
    };
    if are_all(Layout::Refinery) {
        return Some(Layout::Refinery);
    }
    let halves: Vec<_> = files
        .iter()
        .filter_map(|file| name::foreign(Layout::GolangMigrate, file))
        .collect();
    let has_down = halves.iter().any(|half| half.part == Part::Down);
    // Both tools number by time; in sequence one writes six digits and the other four.
    match halves.first() {
        Some(first) if has_down && first.digits.len() == 6 => Some(Layout::GolangMigrate),
        Some(_) => Some(Layout::Sqlx),
        None => are_all(Layout::Sqlx).then_some(Layout::Sqlx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], evident: Option<Layout>) {
        let dir = tempfile::tempdir().expect("a folder");
        for (file, text) in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }
        assert_eq!(Layout::evident(dir.path()), evident, "{files:?}");
    }

    #[test]
    fn a_foreign_folder_is_known_by_what_is_in_it() {
        let sql = "SELECT 1;";
        check(&[], None);
        check(&[("README.md", sql)], None);
        check(&[("0001_a.sql", "-- UP MIGRATION\nSELECT 1;")], None);
        check(&[("1_a.up.sql", sql), ("2_b.sql", "-- @name: x")], None);
        check(&[("0001_a.sql", sql)], Some(Layout::Sqlx));
        check(&[("0001_a.sql", sql), ("schema.sql", sql)], None);
        check(
            &[("0001_a.up.sql", sql), ("0001_a.down.sql", sql)],
            Some(Layout::Sqlx),
        );
        check(
            &[("000001_a.up.sql", sql), ("000001_a.down.sql", sql)],
            Some(Layout::GolangMigrate),
        );
        check(&[("2026-01-05-100000_a/up.sql", sql)], Some(Layout::Diesel));
        check(&[("V1__a.sql", sql)], Some(Layout::Refinery));
        check(
            &[("20260105100000_a.sql", "-- migrate:up\nSELECT 1;")],
            Some(Layout::Dbmate),
        );
        check(
            &[("00001_a.sql", "\n-- +goose Up\nSELECT 1;")],
            Some(Layout::Goose),
        );
    }

    #[test]
    fn names_lead_back_to_layouts() {
        for layout in Layout::ALL {
            assert_eq!(Layout::from_name(layout.name()), Some(layout));
        }
        assert_eq!(Layout::from_name("flyway"), None);
    }
}
