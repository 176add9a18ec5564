//! What `migrations!` costs a compiler, beside a plain table of `include_str!`.
//!
//! `cargo run --release --bin compile [-- ENGINE [SIZE...]]`. For each number of migrations, of four
//! statements there and four back, three services are built in a temporary folder: one with the
//! table and a single migration of ours, one with `migrations!`, and one with `migrations!` and a
//! build script, which reuses what it found. Each is compiled five times after an edit elsewhere, in
//! turns, as a debug build whose macros are compiled as cargo does by default; the fastest time
//! counts. The compiler itself says how long it expanded macros and how long it worked in all
//! (`-Z time-passes`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const ROUNDS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How a service holds its migrations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Checked,
    Stamped,
}

/// Seconds.
#[derive(Clone, Copy)]
struct Times {
    expansion: f64,
    rest: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let engine = arguments.next().unwrap_or_else(|| "postgres".to_owned());
    let sizes: Vec<usize> = arguments
        .map(|size| size.parse())
        .collect::<std::result::Result<_, _>>()?;
    let sizes = if sizes.is_empty() {
        SIZES.to_vec()
    } else {
        sizes
    };
    let scratch = tempfile::tempdir()?;
    println!("| {engine} | expansion: table | checks | with a stamp | after it: table | ours |");
    println!("|---|---|---|---|---|---|");
    for size in sizes {
        let kinds = [Kind::Table, Kind::Checked, Kind::Stamped];
        let services = kinds.map(|kind| service(scratch.path(), kind, &engine, size));
        let mut best: [Option<Times>; 3] = [None; 3];
        // The first time compiles what everything stands on, and writes the stamp.
        for round in 0..=ROUNDS {
            for (service, best) in services.iter().zip(&mut best) {
                let times = compile(
                    service.as_ref().map_err(ToString::to_string)?,
                    scratch.path(),
                )?;
                if round > 0 {
                    let so_far = best.unwrap_or(times);
                    *best = Some(Times {
                        expansion: times.expansion.min(so_far.expansion),
                        rest: times.rest.min(so_far.rest),
                    });
                }
            }
        }
        let [Some(table), Some(checked), Some(stamped)] = best else {
            return Err("nothing was measured".into());
        };
        let ms = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
        println!(
            "| {size} | {} | {} | {} | {} | {} ({:.2}) |",
            ms(table.expansion),
            ms(checked.expansion),
            ms(stamped.expansion),
            ms(table.rest),
            ms(stamped.rest),
            stamped.rest / table.rest,
        );
    }
    Ok(())
}

fn service(scratch: &Path, kind: Kind, engine: &str, size: usize) -> Result<PathBuf> {
    let name = match kind {
        Kind::Table => "table",
        Kind::Checked => "checked",
        Kind::Stamped => "stamped",
    };
    let root = scratch.join(format!("{name}-{size}"));
    fs::create_dir_all(root.join("src"))?;
    fs::create_dir_all(root.join("migrations"))?;
    for number in 1..=size {
        let file = root.join(format!("migrations/{number:05}_t{number}.sql"));
        fs::write(file, migration(engine, number))?;
    }
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let manifest = format!(
        "[package]\nname = \"{name}-{size}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\nbackstitch = {{ path = {runtime:?}, features = [{engine:?}] }}\n[workspace]\n"
    );
    fs::write(root.join("Cargo.toml"), manifest)?;
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, root.join("Cargo.lock"))?;
    if kind == Kind::Stamped {
        let script = "fn main() { println!(\"cargo:rerun-if-changed=migrations\"); }\n";
        fs::write(root.join("build.rs"), script)?;
    }
    let driver = match engine {
        "sqlite" => "Sqlite",
        "mysql" => "MySql",
        _ => "Postgres",
    };
    let value = match kind {
        Kind::Table => {
            let row = |number: usize| {
                let path = root.join(format!("migrations/{number:05}_t{number}.sql"));
                format!("(\"{number:05}_t{number}\", include_str!({path:?})),\n")
            };
            let rows: String = (1..=size).map(row).collect();
            // One migration of ours brings along what a service costs that has any.
            fs::create_dir_all(root.join("one"))?;
            fs::write(root.join("one/00001_t1.sql"), migration(engine, 1))?;
            format!(
                "static ALL: &[(&str, &str)] = &[\n{rows}];\n\
                 static ONE: backstitch::Migrations<backstitch::engines::{driver}> = \
                 backstitch::migrations!(\"one\", dialect = {engine});\n\
                 fn main() {{ println!(\"{{}}\", ALL.len() + ONE.iter().count()); }}\n"
            )
        }
        Kind::Checked | Kind::Stamped => format!(
            "static ALL: backstitch::Migrations<backstitch::engines::{driver}> = \
             backstitch::migrations!(\"migrations\", dialect = {engine});\n\
             fn main() {{ println!(\"{{}}\", ALL.iter().count()); }}\n"
        ),
    };
    fs::write(root.join("src/main.rs"), value)?;
    Ok(root)
}

fn migration(engine: &str, number: usize) -> String {
    let (key, name) = match engine {
        "postgres" => ("bigint", "text"),
        "mysql" => ("bigint", "varchar(80)"),
        _ => ("integer", "text"),
    };
    let before = number.saturating_sub(1).max(1);
    let on = if engine == "mysql" {
        format!(" ON t{number}")
    } else {
        String::new()
    };
    format!(
        "-- @name: Table t{number}\n\
         -- @description: The table t{number} and what belongs to it.\n\
         -- @timestamp: 2026-01-05T10:00:00Z\n\
         -- @rollbackSafe: false\n\
         \n\
         -- UP MIGRATION\n\
         CREATE TABLE t{number} (\n  id {key} PRIMARY KEY,\n  name {name} NOT NULL,\n  amount {key} NOT NULL DEFAULT 0,\n  \
         created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP\n);\n\
         CREATE INDEX t{number}_name ON t{number} (name);\n\
         ALTER TABLE t{number} ADD COLUMN note {name};\n\
         ALTER TABLE t{before} ADD COLUMN extra{number} {name};\n\
         \n\
         -- DOWN MIGRATION\n\
         ALTER TABLE t{before} DROP COLUMN extra{number};\n\
         ALTER TABLE t{number} DROP COLUMN note;\n\
         DROP INDEX t{number}_name{on};\n\
         DROP TABLE t{number};\n"
    )
}

/// Compiles a service after an edit.
fn compile(root: &Path, scratch: &Path) -> Result<Times> {
    let main = root.join("src/main.rs");
    fs::write(&main, fs::read_to_string(&main)? + "// An edit.\n")?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["rustc", "--offline", "--", "-Ztime-passes", "-Adeprecated"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        // What the compiler says of itself is not for everybody, and not for programs to rely on.
        .env("RUSTC_BOOTSTRAP", "1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(said.into_owned().into());
    }
    let pass = |name: &str| -> Result<f64> {
        let line = said
            .lines()
            .find(|line| line.trim_end().rsplit('\t').next() == Some(name));
        let line = line.ok_or_else(|| format!("the compiler does not tell of {name}:\n{said}"))?;
        let seconds = line
            .split("time:")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        Ok(seconds.unwrap_or_default().trim().parse()?)
    };
    let expansion = pass("macro_expand_crate")?;
    Ok(Times {
        expansion,
        rest: pass("total")? - expansion,
    })
}
