//! MySQL and MariaDB: by `mariadb-dump` or `mysqldump`, compressed; back by `mariadb` or `mysql`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions, MySql};

use super::archive::{Archive, Trouble};
use super::dump::{compress, decompressed, failed, feed, find_tool, finish, parameter, password};

const PACKAGE: &str = "mariadb-client";
const DUMPERS: [&str; 2] = ["mariadb-dump", "mysqldump"];
const CLIENTS: [&str; 2] = ["mariadb", "mysql"];
/// The last line of a copy that is whole.
const END: &str = "-- Dump completed";

/// Asks for the statements that drop everything in the database, in an order that works. The
/// database itself stays, so that a restore that is killed can be begun again.
pub(crate) const DROPS: &str = "\
SELECT statement FROM (\
 SELECT 1 AS place, CONCAT('DROP EVENT `', REPLACE(event_name, '`', '``'), '`;') AS statement \
 FROM information_schema.events WHERE event_schema = DATABASE() \
 UNION ALL SELECT IF(table_type = 'SEQUENCE', 4, IF(table_type = 'VIEW', 2, 3)), CONCAT('DROP ', \
 IF(table_type IN ('SEQUENCE', 'VIEW'), table_type, 'TABLE'), ' `', REPLACE(table_name, '`', '``'), '`;') \
 FROM information_schema.tables WHERE table_schema = DATABASE() \
 UNION ALL SELECT 5, CONCAT('DROP ', routine_type, ' `', REPLACE(routine_name, '`', '``'), '`;') \
 FROM information_schema.routines WHERE routine_schema = DATABASE() \
 AND routine_type <> 'PACKAGE BODY') AS drops ORDER BY place";

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

    fn restore(url: &str, from: &Path, _patience: Duration) -> Result<(), Trouble> {
        let tool = find_tool(&CLIENTS, PACKAGE)?;
        let (mut ask, database) = client(tool, url)?;
        let ask = ask
            .args(["--batch", "--raw", "--skip-column-names", "--execute"])
            .arg(DROPS);
        let drops = finish(ask.arg(&database), "the database cannot be read")?;
        let head = format!(
            "SET FOREIGN_KEY_CHECKS = 0;\n{}",
            String::from_utf8_lossy(&drops)
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
            .arg(format!("--port={}", options.get_port()))
            .args(secure(program, options.get_ssl_mode())),
    };
    for (names, flag) in [
        (["ssl-ca", "sslca"], "--ssl-ca"),
        (["ssl-cert", "sslcert"], "--ssl-cert"),
        (["ssl-key", "sslkey"], "--ssl-key"),
    ] {
        if let Some(file) = parameter(url, &names) {
            command.arg(format!("{flag}={file}"));
        }
    }
    let database = database.to_owned();
    // Only the password is wanted, and not every name of a user makes a URL.
    let plain = options.username("user");
    if let Some(password) = password(&plain.to_url_lossy()) {
        command.env("MYSQL_PWD", password);
    }
    Ok((command, database))
}

/// How the tools are told what `ssl-mode` says.
fn secure(program: &str, mode: MySqlSslMode) -> &'static [&'static str] {
    use MySqlSslMode::{Disabled, Preferred, Required, VerifyCa, VerifyIdentity};
    match (program.starts_with("mariadb"), mode) {
        (true, Disabled) => &["--skip-ssl"],
        (false, Disabled) => &["--ssl-mode=DISABLED"],
        (_, Preferred) => &[],
        // Newer ones look at the certificate unless they are told not to.
        (true, Required) => &["--ssl", "--disable-ssl-verify-server-cert"],
        (false, Required) => &["--ssl-mode=REQUIRED"],
        // They have one word for both: whose the certificate is, and for which host.
        (true, VerifyCa | VerifyIdentity) => &["--ssl", "--ssl-verify-server-cert"],
        (false, VerifyCa) => &["--ssl-mode=VERIFY_CA"],
        (false, VerifyIdentity) => &["--ssl-mode=VERIFY_IDENTITY"],
    }
}
