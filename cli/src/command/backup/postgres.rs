//! PostgreSQL: by `pg_dump` in its own format, which is compressed; back by `pg_restore` and `psql`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Postgres};

use super::archive::{Archive, Trouble};
use super::dump::{failed, feed, find_tool, finish, parameter, password};

const PACKAGE: &str = "postgresql-client";

/// Takes everything out of the database, in the transaction in which the backup comes in.
pub(crate) const EMPTY: &str = "\
DO $$
DECLARE name text;
BEGIN
  -- What belongs to no schema, and would stand in the way of a copy that has it too.
  FOR name IN SELECT pubname FROM pg_catalog.pg_publication LOOP
    EXECUTE pg_catalog.format('DROP PUBLICATION %I', name);
  END LOOP;
  FOR name IN SELECT srvname FROM pg_catalog.pg_foreign_server LOOP
    EXECUTE pg_catalog.format('DROP SERVER %I CASCADE', name);
  END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
  FOR name IN
    SELECT nspname FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  CREATE SCHEMA public;
  COMMENT ON SCHEMA public IS 'standard public schema';
  GRANT USAGE ON SCHEMA public TO PUBLIC;
  -- A copy leaves out what a new database has anyway, and that has changed.
  IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN
    ALTER SCHEMA public OWNER TO pg_database_owner;
  ELSE
    GRANT CREATE ON SCHEMA public TO PUBLIC;
  END IF;
END $$;
";

impl Archive for Postgres {
    const DRIVER: &'static str = "postgres";
    const SUFFIX: &'static str = ".dump";

    fn ready_to_dump() -> Result<(), Trouble> {
        find_tool(&["pg_dump"], PACKAGE)?;
        find_tool(&["pg_restore"], PACKAGE).map(drop)
    }

    fn dump(url: &str, to: &Path) -> Result<(), Trouble> {
        let mut command = client("pg_dump", url)?;
        command
            .args(["--format=custom", "--no-password", "--file"])
            .arg(to);
        finish(&mut command, "the copy failed").map(drop)
    }

    fn inspect(file: &Path) -> Result<(), Trouble> {
        // Reads all of it, not only the list in front.
        let mut command = Command::new("pg_restore");
        command.args(["--file=/dev/null"]).arg(file);
        finish(&mut command, "the copy cannot be read").map(drop)
    }

    fn ready_to_restore() -> Result<(), Trouble> {
        find_tool(&["pg_restore"], PACKAGE)?;
        find_tool(&["psql"], PACKAGE).map(drop)
    }

    fn restore(url: &str, from: &Path, _patience: Duration) -> Result<(), Trouble> {
        let doing = "the backup cannot be restored";
        let mut script = Command::new("pg_restore")
            .args(["--file=-"])
            .arg(from)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(doing, &error))?;
        let text = script.stdout.take().expect("it was asked for");
        let mut command = client("psql", url)?;
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
        ]);
        let fed = feed(command, EMPTY, text);
        let status = script.wait().map_err(|error| failed(doing, &error))?;
        fed?;
        match status.success() {
            true => Ok(()),
            false => Err(failed(doing, &"pg_restore did not read it to its end")),
        }
    }
}

/// The program, which finds the way in its environment, where nobody sees the password.
fn client(program: &str, url: &str) -> Result<Command, Trouble> {
    let options = PgConnectOptions::from_str(url);
    let options = options.map_err(|_| failed("the database cannot be named", &"bad URL"))?;
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let user = options.get_username().to_owned();
    let mut command = Command::new(program);
    command
        .env("PGHOST", host)
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", &user)
        .env("PGDATABASE", options.get_database().unwrap_or(&user))
        .env("PGAPPNAME", "backstitch backup")
        .env(
            "PGSSLMODE",
            match options.get_ssl_mode() {
                PgSslMode::Disable => "disable",
                PgSslMode::Allow => "allow",
                PgSslMode::Prefer => "prefer",
                PgSslMode::Require => "require",
                PgSslMode::VerifyCa => "verify-ca",
                PgSslMode::VerifyFull => "verify-full",
            },
        );
    // Files that are not in the URL come from the very variables that the tools read, too.
    for (names, variable) in [
        (
            &["sslrootcert", "ssl-root-cert", "ssl-ca"][..],
            "PGSSLROOTCERT",
        ),
        (&["sslcert", "ssl-cert"], "PGSSLCERT"),
        (&["sslkey", "ssl-key"], "PGSSLKEY"),
    ] {
        if let Some(file) = parameter(url, names) {
            command.env(variable, file);
        }
    }
    // Only the password is wanted, and not every name of a user makes a URL.
    let plain = options.username("user");
    if let Some(password) = password(&plain.to_url_lossy()) {
        command.env("PGPASSWORD", password);
    }
    Ok(command)
}
