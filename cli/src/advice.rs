//! What to do next when a database cannot be reached, or refuses what we ask of it. Where the library
//! has advice of its own, that counts.

use std::io;

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// What to do about it, where that can be told.
pub(crate) fn on(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Io(error) => on_io(error),
        sqlx::Error::Tls(error) => Some(on_tls(&error.to_string())),
        sqlx::Error::PoolTimedOut => Some(NO_ANSWER),
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                on_postgres(error.code())
            } else if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                on_mysql(error.number())
            } else {
                let error = error.try_downcast_ref::<SqliteError>()?;
                use sqlx::error::DatabaseError;
                on_sqlite(error.code()?.parse().ok()?)
            }
        }
        _ => None,
    }
}

/// The same, for whatever has a driver's error as its cause.
pub(crate) fn on_cause(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    driver(error).find_map(on)
}

/// What to do where a statement was refused for no fault of its own: by who may do what, or by how
/// the server is.
pub(crate) fn on_ground(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    driver(error)
        .filter(|error| is_of_ground(error))
        .find_map(on)
}

fn driver<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e sqlx::Error> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<sqlx::Error>())
}

fn is_of_ground(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        ["42501", "25006", "53100"].contains(&error.code())
    } else if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        [1021, 1044, 1114, 1142, 1227, 1290, 1370, 1836].contains(&error.number())
    } else {
        // Of SQLite the library tells it.
        false
    }
}

const NO_ANSWER: &str = "See whether the server runs, and whether a firewall is in between.";

fn on_io(error: &io::Error) -> Option<&'static str> {
    let words = error.to_string();
    if words.contains("certificate") {
        return Some(on_tls(&words));
    }
    if words.contains("lookup") {
        return Some("No machine has that name here. Look at the host in the URL.");
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(
            "Nobody listens there. See whether the server runs, and whether host and port of the \
             URL are right. To wait until it answers:\nuntil backstitch ping; do sleep 1; done",
        ),
        io::ErrorKind::NotFound => Some(
            "A file that the URL names is not there: the socket of the server, or a certificate.",
        ),
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable => Some(NO_ANSWER),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Some(
            "The server, or a proxy before it, has ended the connection. See what its log says, and \
             try again.",
        ),
        _ => None,
    }
}

fn on_tls(words: &str) -> &'static str {
    if words.contains("does not support TLS") {
        "Switch TLS on in the server; or, where the way to it is safe, leave it out:\n\
         postgres://…?sslmode=disable   mysql://…?ssl-mode=DISABLED"
    } else if words.contains("not valid for name") {
        "Connect by a name that the certificate is for; or do not look at the name:\n\
         postgres://…?sslmode=verify-ca   mysql://…?ssl-mode=VERIFY_CA"
    } else if words.contains("UnknownIssuer") || words.contains("CaUsedAsEndEntity") {
        "Nobody whom this machine trusts has signed it. Name the certificate of who has:\n\
         postgres://…?sslmode=verify-full&sslrootcert=ca.pem   \
         mysql://…?ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem\n\
         To encrypt without a look at the certificate: sslmode=require, ssl-mode=REQUIRED."
    } else if words.contains("Expired") {
        "The certificate of the server has expired; or the clock of this machine is wrong."
    } else {
        "Look at `sslmode` in the URL (`ssl-mode` for MySQL), and at the files that it names."
    }
}

fn on_postgres(code: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" | "28000" => {
            "Look at user and password in the URL, and at pg_hba.conf of the server. Signs such as \
             `@` and `/` in a password are written as `%40` and `%2F`."
        }
        "3D000" => "Look at the name in the URL; or make the database:\ncreatedb NAME",
        "42501" => {
            "Call it as a user who may, such as the owner of the tables; or have the owner grant what \
             is missing."
        }
        "53300" | "53400" => {
            "The server has no connection left. End some that are idle (pg_stat_activity), or raise \
             max_connections."
        }
        "57P03" => "The server is starting or stopping. Try again in a moment.",
        "57P01" | "57P02" => {
            "Somebody has ended the connection, or stopped the server. When that is over, see how it \
             stands:\nbackstitch status"
        }
        "25006" => {
            "This is a read-only server, such as a standby; or default_transaction_read_only is on. \
             Give the URL of the primary."
        }
        "53100" => {
            "The disk of the server is full. Make room, then see how it stands:\nbackstitch status"
        }
        _ => return None,
    })
}

fn on_mysql(number: u16) -> Option<&'static str> {
    Some(match number {
        1045 | 1698 => {
            "Look at user and password in the URL, and at the host that the user may come from. Signs \
             such as `@` and `/` in a password are written as `%40` and `%2F`. A server that takes \
             nothing but TLS says the same:\nmysql://…?ssl-mode=REQUIRED"
        }
        1049 => "Look at the name in the URL; or make the database:\nCREATE DATABASE name;",
        1044 | 1142 | 1227 | 1370 => {
            "Call it as a user who may; or have what is missing granted:\n\
             GRANT ALL ON name.* TO 'user'@'host';"
        }
        1040 | 1203 | 1226 => "The server has no connection left. End some that are idle.",
        1053 | 1927 => {
            "Somebody has ended the connection, or stopped the server. When that is over, see how it \
             stands:\nbackstitch status"
        }
        1290 | 1836 => "This server is read-only, such as a replica. Give the URL of the primary.",
        3159 => "The server takes nothing but TLS. Ask for it:\nmysql://…?ssl-mode=REQUIRED",
        1021 | 1114 => {
            "The disk of the server is full. Make room, then see how it stands:\nbackstitch status"
        }
        _ => return None,
    })
}

fn on_sqlite(code: i32) -> Option<&'static str> {
    // The lower byte is the kind, what is above it says more.
    Some(match code & 0xff {
        8 => "Look whether this user may write to the file and to its folder.",
        10 => {
            "The file cannot be read or written. Look whether the disk is full, or broken, then see \
             how it stands:\nbackstitch status"
        }
        13 => "The disk is full. Make room, then see how it stands:\nbackstitch status",
        14 => {
            "There is no such file, or no such folder. To have the file made:\n\
             sqlite:path/to/file.db?mode=rwc"
        }
        11 | 26 => {
            "The file is damaged, or no database. What was copied before:\nbackstitch backup list"
        }
        _ => return None,
    })
}
