//! MySQL and MariaDB.

use sqlx::MySql;

use crate::engine::Driver;
use crate::history::Names;
use crate::place::Need;
use crate::probe::{Probe, listed};
use crate::watch::Waiter;

/// Without each of these something is not shown: tables, triggers, the text of views and of routines.
const TO_SEE: [&str; 4] = ["SELECT", "TRIGGER", "SHOW VIEW", "ALTER ROUTINE"];

/// Whether a right is on everything, or on all of the database, whose name may be a pattern.
fn is_on(rest: &str, database: &str) -> bool {
    let Some((on, _)) = rest.split_once(" TO ") else {
        return false;
    };
    let Some(on) = on.strip_suffix(".*") else {
        return false;
    };
    let name = on.trim_matches('`').replace("\\_", "_").replace("\\%", "%");
    let is_like = name
        .strip_suffix('%')
        .is_some_and(|head| database.starts_with(head));
    on == "*" || name == database || is_like
}

impl Probe for MySql {
    const SCRATCH: Option<&'static str> = None;

    fn ask_tables(names: &[&str]) -> String {
        format!(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name IN ({})",
            listed::<MySql>(names)
        )
    }

    fn ask_rights() -> Option<&'static str> {
        Some("SHOW GRANTS")
    }

    fn sees_all(rights: &[String], database: &str) -> bool {
        let granted: Vec<&str> = rights
            .iter()
            .filter_map(|grant| grant.strip_prefix("GRANT ")?.split_once(" ON "))
            .filter(|(_, rest)| is_on(rest, database))
            .flat_map(|(words, _)| words.split(", "))
            .collect();
        let has = |right: &&str| granted.contains(right);
        has(&"ALL PRIVILEGES") || TO_SEE.iter().all(has)
    }

    fn show_bytes(column: &str) -> String {
        format!("LOWER(HEX({column}))")
    }

    fn enter_schema(schema: &str) -> Option<String> {
        Some(format!("USE {}", MySql::quote_name(schema)))
    }

    fn estimate(_table: &str) -> Option<String> {
        None
    }

    fn ask_storage() -> Option<&'static str> {
        None
    }

    fn ask_locks() -> Option<&'static str> {
        None
    }

    fn is_denied(error: &sqlx::Error) -> bool {
        // ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR,
        // ER_SPECIFIC_ACCESS_DENIED_ERROR
        is(error, &[1142, 1143, 1044, 1227])
    }

    fn ask_grants(names: &Names, need: Need) -> Option<String> {
        let rights = match need {
            Need::Read => "SELECT",
            Need::Write => "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER",
        };
        let database = match &names.schema {
            Some(schema) => MySql::quote_text(schema),
            None => "DATABASE()".to_owned(),
        };
        // `_` stands for any character in the name of a database that rights are granted on.
        Some(format!(
            "SELECT CONCAT('GRANT {rights} ON `', REPLACE(REPLACE({database}, '`', '``'), '_', \
             CONCAT(CHAR(92 USING utf8mb4), '_')), '`.* TO ', \
             QUOTE(LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 - \
             CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))), '@', \
             QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))"
        ))
    }

    fn ask_blockers(waiter: &Waiter) -> Vec<String> {
        let waits = match waiter {
            Waiter::History(names) => {
                let tables = names.all_tables();
                let tables = tables
                    .iter()
                    .map(|table| format!("LOCATE({}, w.INFO) > 0", MySql::quote_text(table)));
                let tables: Vec<_> = tables.collect();
                format!(
                    "w.ID <> CONNECTION_ID() AND w.DB <=> DATABASE() AND w.STATE LIKE 'Waiting%' \
                     AND ({})",
                    tables.join(" OR ")
                )
            }
            Waiter::Session(number, _) => {
                format!("w.ID = {}", number.parse::<u64>().unwrap_or_default())
            }
        };
        let who = |since: &str, statement: &str| {
            format!(
                "SELECT DISTINCT CONCAT('server connection ', p.ID, ', user ', p.USER, ' from ', \
                 p.HOST, {since}, IFNULL(CONCAT(' with `', LEFT({statement}, 100), '`'), ''))"
            )
        };
        let began = "', in a transaction since ', DATE_FORMAT(b.trx_started, '%Y-%m-%dT%H:%i:%s')";
        let waits_for_table = "w.STATE LIKE 'Waiting for%metadata lock'";
        vec![
            // A row: what InnoDB tells by itself, on MariaDB and on MySQL.
            format!(
                "{} FROM information_schema.PROCESSLIST w JOIN information_schema.INNODB_TRX r \
                 ON r.trx_mysql_thread_id = w.ID JOIN information_schema.INNODB_LOCK_WAITS l \
                 ON l.requesting_trx_id = r.trx_id JOIN information_schema.INNODB_TRX b \
                 ON b.trx_id = l.blocking_trx_id JOIN information_schema.PROCESSLIST p \
                 ON p.ID = b.trx_mysql_thread_id WHERE {waits} LIMIT 3",
                who(began, "IFNULL(b.trx_query, p.INFO)")
            ),
            format!(
                "{} FROM information_schema.PROCESSLIST w JOIN performance_schema.threads r \
                 ON r.PROCESSLIST_ID = w.ID JOIN performance_schema.data_lock_waits l \
                 ON l.REQUESTING_THREAD_ID = r.THREAD_ID JOIN performance_schema.threads t \
                 ON t.THREAD_ID = l.BLOCKING_THREAD_ID JOIN information_schema.INNODB_TRX b \
                 ON b.trx_mysql_thread_id = t.PROCESSLIST_ID JOIN information_schema.PROCESSLIST p \
                 ON p.ID = t.PROCESSLIST_ID WHERE {waits} LIMIT 3",
                who(began, "IFNULL(b.trx_query, p.INFO)")
            ),
            // A table: where the server keeps account of that.
            format!(
                "{} FROM information_schema.PROCESSLIST w JOIN performance_schema.threads r \
                 ON r.PROCESSLIST_ID = w.ID JOIN performance_schema.metadata_locks l \
                 ON l.OWNER_THREAD_ID = r.THREAD_ID AND l.LOCK_STATUS = 'PENDING' \
                 JOIN performance_schema.metadata_locks h ON h.LOCK_STATUS = 'GRANTED' \
                 AND h.OBJECT_TYPE = l.OBJECT_TYPE AND h.OBJECT_SCHEMA <=> l.OBJECT_SCHEMA \
                 AND h.OBJECT_NAME <=> l.OBJECT_NAME AND h.OWNER_THREAD_ID <> l.OWNER_THREAD_ID \
                 JOIN performance_schema.threads t ON t.THREAD_ID = h.OWNER_THREAD_ID \
                 JOIN information_schema.PROCESSLIST p ON p.ID = t.PROCESSLIST_ID \
                 WHERE {waits} LIMIT 3",
                who("''", "p.INFO")
            ),
            // And where it does not: whose transaction is open in the database.
            format!(
                "{} FROM information_schema.PROCESSLIST w JOIN information_schema.PROCESSLIST p \
                 ON p.ID <> w.ID AND p.DB <=> w.DB JOIN information_schema.INNODB_TRX b \
                 ON b.trx_mysql_thread_id = p.ID WHERE {waits} AND {waits_for_table} \
                 LIMIT 3",
                who(began, "IFNULL(b.trx_query, p.INFO)").replacen(
                    "CONCAT('",
                    "CONCAT('perhaps ',  '",
                    1
                )
            ),
        ]
    }

    fn advice(error: &sqlx::Error) -> Option<&'static str> {
        // ER_ACCESS_DENIED_ERROR
        if is(error, &[1045]) {
            return Some("see whether user and password in the address are right");
        }
        // ER_BAD_DB_ERROR
        if is(error, &[1049]) {
            return Some(
                "make the database (CREATE DATABASE), or name the right one in the address",
            );
        }
        // ER_DBACCESS_DENIED_ERROR
        if is(error, &[1044]) {
            return Some(
                "let an administrator grant this user what migrations need in that database \
                 (GRANT ALL ON … .* TO …), or name the right one in the address",
            );
        }
        // ER_NO_DB_ERROR
        is(error, &[1046])
            .then_some("name the database at the end of the address: `mysql://user@host/database`")
    }
}

fn is(error: &sqlx::Error, numbers: &[u16]) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>());
    error.is_some_and(|error| numbers.contains(&error.number()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_tell_what_is_seen() {
        for (grant, sees) in [
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                true,
            ),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `me`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `sh%`.* TO `me`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `other`.* TO `me`@`%`", false),
            ("GRANT ALL PRIVILEGES ON `shop`.`users` TO `me`@`%`", false),
            ("GRANT SELECT ON `shop`.* TO `me`@`%`", false),
            (
                "GRANT SELECT, SHOW VIEW, TRIGGER, ALTER ROUTINE ON *.* TO `me`@`%`",
                true,
            ),
            ("GRANT USAGE ON *.* TO `me`@`%`", false),
            ("GRANT `reader`@`%` TO `me`@`%`", false),
        ] {
            assert_eq!(
                MySql::sees_all(&[grant.to_owned()], "shop"),
                sees,
                "{grant}"
            );
        }
        let of_both = [
            "GRANT SELECT ON *.* TO `me`@`%`",
            "GRANT SHOW VIEW, TRIGGER, ALTER ROUTINE ON `my\\_shop`.* TO `me`@`%`",
        ];
        assert!(MySql::sees_all(&of_both.map(str::to_owned), "my_shop"));
    }
}
