//! The tools whose histories can be taken over, and how each writes its table.

use std::collections::BTreeMap;
use std::fmt;

use backstitch_core::dir::Layout;
use serde::Serialize;

use crate::engine::Engine;

/// A tool whose history can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Tool {
    /// sqlx: the version and the SHA-384 of each file.
    Sqlx,
    /// refinery: version, name and a 64-bit SipHash of each file.
    Refinery,
    /// Diesel: the versions.
    Diesel,
    /// golang-migrate: the newest version alone, and whether it is whole.
    GolangMigrate,
    /// dbmate: the versions.
    Dbmate,
    /// goose: the versions, and what was taken back.
    Goose,
}

/// What the other tool says it has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Theirs {
    /// By version as the tool tells it.
    pub(super) rows: Vec<TheirRow>,
    /// Whether the last row stands for all versions before it too.
    pub(super) is_only_newest: bool,
}

/// What the other tool says of one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TheirRow {
    /// The digits of the version.
    pub(super) version: String,
    /// Its name, where the tool keeps it.
    pub(super) name: Option<String>,
    /// Its checksum, where the tool keeps one.
    pub(super) checksum: Option<String>,
    /// When it was applied, where the tool keeps that.
    pub(super) applied_at: Option<String>,
    /// Whether it came to its end, as the tool sees it.
    pub(super) is_whole: bool,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 6] = [
        Tool::Sqlx,
        Tool::Refinery,
        Tool::Diesel,
        Tool::GolangMigrate,
        Tool::Dbmate,
        Tool::Goose,
    ];

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        self.layout().name()
    }

    /// The tool of that [`name`](Tool::name).
    pub fn from_name(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// How its files are laid out.
    pub fn layout(self) -> Layout {
        match self {
            Tool::Sqlx => Layout::Sqlx,
            Tool::Refinery => Layout::Refinery,
            Tool::Diesel => Layout::Diesel,
            Tool::GolangMigrate => Layout::GolangMigrate,
            Tool::Dbmate => Layout::Dbmate,
            Tool::Goose => Layout::Goose,
        }
    }

    /// What its table is called unless it is told otherwise.
    pub fn table(self) -> &'static str {
        match self {
            Tool::Sqlx => "_sqlx_migrations",
            Tool::Refinery => "refinery_schema_history",
            Tool::Diesel => "__diesel_schema_migrations",
            Tool::GolangMigrate | Tool::Dbmate => "schema_migrations",
            Tool::Goose => "goose_db_version",
        }
    }

    /// A query for version, name, checksum, time, and 1 where all is well.
    pub(super) fn select<DB: Engine>(self, table: &str) -> String {
        match self {
            Tool::Sqlx => format!(
                "SELECT version, description, {}, installed_on, \
                 CASE WHEN success THEN 1 ELSE 0 END FROM {table} ORDER BY version",
                DB::show_bytes("checksum")
            ),
            Tool::Refinery => format!(
                "SELECT version, name, checksum, applied_on, 1 FROM {table} ORDER BY version"
            ),
            Tool::Diesel => {
                format!("SELECT version, NULL, NULL, run_on, 1 FROM {table} ORDER BY version")
            }
            Tool::GolangMigrate => format!(
                "SELECT version, NULL, NULL, NULL, CASE WHEN dirty THEN 0 ELSE 1 END \
                 FROM {table} ORDER BY version"
            ),
            Tool::Dbmate => {
                format!("SELECT version, NULL, NULL, NULL, 1 FROM {table} ORDER BY version")
            }
            Tool::Goose => format!(
                "SELECT version_id, NULL, NULL, tstamp, CASE WHEN is_applied THEN 1 ELSE 0 END \
                 FROM {table} ORDER BY id"
            ),
        }
    }

    /// Reads the answer to [`select`](Tool::select). `columns` are those of the table, where it
    /// has rows.
    ///
    /// # Errors
    /// What shows that the table is of another tool.
    pub(super) fn read(
        self,
        columns: &[String],
        rows: &[Vec<Option<String>>],
    ) -> Result<Theirs, String> {
        let is_there = |column: &str| columns.iter().any(|one| one.eq_ignore_ascii_case(column));
        let rows: Vec<TheirRow> = rows
            .iter()
            .map(|row| read_row(row))
            .collect::<Result<_, _>>()?;
        match self {
            Tool::Sqlx | Tool::Refinery | Tool::Diesel => Ok(Theirs {
                rows,
                is_only_newest: false,
            }),
            Tool::GolangMigrate if rows.len() > 1 => Err(format!(
                "it has {} rows, and there is never more than one",
                rows.len()
            )),
            Tool::GolangMigrate => Ok(Theirs {
                // Everything was taken back by `force -1`.
                rows: rows.into_iter().filter(|row| row.version != "-1").collect(),
                is_only_newest: true,
            }),
            Tool::Dbmate if is_there("dirty") => {
                Err("it has a column `dirty`, as that of golang-migrate does".to_owned())
            }
            Tool::Dbmate => Ok(Theirs {
                rows,
                is_only_newest: false,
            }),
            Tool::Goose => Ok(Theirs {
                rows: standing(rows),
                is_only_newest: false,
            }),
        }
    }
}

/// goose writes a row each time: the last word on a version counts. Version 0 is its beginning.
fn standing(rows: Vec<TheirRow>) -> Vec<TheirRow> {
    let mut last: BTreeMap<u64, TheirRow> = BTreeMap::new();
    for row in rows {
        last.insert(row.version.parse().unwrap_or_default(), row);
    }
    last.remove(&0);
    last.into_values().filter(|row| row.is_whole).collect()
}

fn read_row(row: &[Option<String>]) -> Result<TheirRow, String> {
    let [version, name, checksum, applied_at, is_whole] = row else {
        return Err("it answers with other columns".to_owned());
    };
    let version = version.clone().unwrap_or_default();
    let digits = version.strip_prefix('-').unwrap_or(&version);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("it has the version `{}`", version.escape_debug()));
    }
    Ok(TheirRow {
        version,
        name: name.clone(),
        checksum: checksum.clone(),
        applied_at: applied_at.clone(),
        is_whole: is_whole.as_deref() == Some("1"),
    })
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Vec<Vec<Option<String>>> {
        let row = |(version, whole): &(&str, &str)| {
            let (version, whole) = (Some((*version).to_owned()), Some((*whole).to_owned()));
            vec![version, None, None, None, whole]
        };
        rows.iter().map(row).collect()
    }

    fn versions(tool: Tool, columns: &[&str], of: &[(&str, &str)]) -> Result<String, String> {
        let columns: Vec<String> = columns.iter().map(|one| (*one).to_owned()).collect();
        let read = tool.read(&columns, &rows(of))?;
        let versions: Vec<_> = read.rows.iter().map(|row| row.version.as_str()).collect();
        Ok(versions.join(" "))
    }

    #[test]
    fn names_lead_back_to_tools() {
        for tool in Tool::ALL {
            assert_eq!(Tool::from_name(tool.name()), Some(tool));
        }
        assert_eq!(Tool::from_name("annotated"), None);
    }

    #[test]
    fn the_last_word_of_goose_counts() {
        let said = [
            ("0", "1"),
            ("1", "1"),
            ("2", "1"),
            ("2", "0"),
            ("1", "0"),
            ("1", "1"),
        ];
        assert_eq!(versions(Tool::Goose, &[], &said), Ok("1".to_owned()));
    }

    #[test]
    fn a_table_of_another_tool_is_noticed() {
        let columns = ["version", "dirty"];
        assert!(versions(Tool::Dbmate, &columns, &[("3", "1")]).is_err());
        assert!(versions(Tool::GolangMigrate, &["version"], &[("3", "1"), ("4", "1")]).is_err());
        assert!(versions(Tool::Diesel, &["version"], &[("users", "1")]).is_err());
        assert_eq!(
            versions(Tool::GolangMigrate, &columns, &[("-1", "1")]),
            Ok(String::new())
        );
    }
}
