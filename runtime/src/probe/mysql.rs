//! MySQL and MariaDB.

use sqlx::MySql;

use crate::engine::Driver;
use crate::probe::{Probe, listed};

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
