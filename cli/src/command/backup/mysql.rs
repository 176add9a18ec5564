//! MySQL and MariaDB: by `mariadb-dump` or `mysqldump`, compressed; back by `mariadb` or `mysql`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, MySql};

use super::archive::{Archive, Trouble};
use super::dump::{compress, decompressed, failed, feed, find_tool, finish, password};

const PACKAGE: &str = "mariadb-client";
const DUMPERS: [&str; 2] = ["mariadb-dump", "mysqldump"];
const CLIENTS: [&str; 2] = ["mariadb", "mysql"];
/// The last line of a copy that is whole.
const END: &str = "-- Dump completed";

impl Archive for MySql {
    const DRIVER: &'static str = "mysql";
    const SUFFIX: &'static str = ".sql.gz";

    fn ready_to_dump() -> Result<(), Trouble> {
        find_tool(&DUMPERS, PACKAGE).map(drop)
    }

    fn dump(url: &str, to: &Path) -> Result<(), Trouble> {
        let (mut command, database) = client(find_tool(&DUMPERS, PACKAGE)?, url)?;
        command
            .args([
                "--single-transaction",
                "--routines",
                "--triggers",
                "--events",
                "--hex-blob",
                "--default-character-set=utf8mb4",
            ])
            .arg(database);
        compress(command, to)
    }

    fn inspect(file: &Path) -> Result<(), Trouble> {
        let doing = "the copy cannot be read";
        let mut last = Vec::new();
        let mut lines = BufReader::new(decompressed(file)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines
                .read_until(b'\n', &mut line)
                .map_err(|error| failed(doing, &error))?;
            if read == 0 {
                break;
            }
            if !line.trim_ascii().is_empty() {
                std::mem::swap(&mut last, &mut line);
            }
        }
        match last.starts_with(END.as_bytes()) {
            true => Ok(()),
            false => Err(failed(doing, &"it does not end as a whole copy does")),
        }
    }

    fn ready_to_restore() -> Result<(), Trouble> {
        find_tool(&CLIENTS, PACKAGE).map(drop)
    }

    fn restore(url: &str, from: &Path) -> Result<(), Trouble> {
        let tool = find_tool(&CLIENTS, PACKAGE)?;
        let (mut ask, database) = client(tool, url)?;
        let ask = ask
            .args(["--batch", "--skip-column-names", "--execute"])
            .arg("SELECT CONCAT(@@character_set_database, ' COLLATE ', @@collation_database)");
        let charset = finish(ask.arg(&database), "the database cannot be read")?;
        let charset = String::from_utf8_lossy(&charset).trim().to_owned();
        let quoted = format!("`{}`", database.replace('`', "``"));
        let head = format!(
            "DROP DATABASE {quoted};\nCREATE DATABASE {quoted} CHARACTER SET {charset};\nUSE {quoted};\n"
        );
        let (mut command, _) = client(tool, url)?;
        command
            .arg("--default-character-set=utf8mb4")
            .arg(&database);
        feed(command, &head, decompressed(from)?)
    }
}

/// The program with its way to the server, and the database; the password is in its environment,
/// where nobody sees it.
fn client(program: &str, url: &str) -> Result<(Command, String), Trouble> {
    let options = MySqlConnectOptions::from_str(url);
    let options = options.map_err(|_| failed("the database cannot be named", &"bad URL"))?;
    let Some(database) = options.get_database() else {
        return Err(failed(
            "nothing can be copied",
            &"the URL names no database",
        ));
    };
    let mut command = Command::new(program);
    // A file of options could name another server.
    command
        .arg("--no-defaults")
        .arg(format!("--user={}", options.get_username()));
    match options.get_socket() {
        Some(socket) => command
            .arg("--protocol=socket")
            .arg(format!("--socket={}", socket.display())),
        None => command
            .arg("--protocol=tcp")
            .arg(format!("--host={}", options.get_host()))
            .arg(format!("--port={}", options.get_port())),
    };
    if let Some(password) = password(&options.to_url_lossy()) {
        command.env("MYSQL_PWD", password);
    }
    Ok((command, database.to_owned()))
}
