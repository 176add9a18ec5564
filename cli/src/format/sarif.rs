//! The findings as SARIF 2.1.0, which code scanning services read.

use backstitch_core::diagnostic::{Diagnostic, Label, Severity};
use serde_json::{Value, json};

use crate::page;
use backstitch_core::report::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn write(report: &Report, level: Severity) -> String {
    let mut rules: Vec<&str> = report.at_least(level).map(|one| one.code).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<Value> = report
        .at_least(level)
        .map(|one| result(one, &rules))
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "backstitch",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|code| rule(code)).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&document).expect("plain data") + "\n"
}

fn rule(code: &str) -> Value {
    match page::find(code) {
        Some(page) => json!({
            "id": code,
            "shortDescription": {"text": page.summary()},
            "help": {"text": page.text, "markdown": page.text},
        }),
        None => json!({"id": code}),
    }
}

fn result(diagnostic: &Diagnostic, rules: &[&str]) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "note",
    };
    let parts = [&diagnostic.message, &diagnostic.why, &diagnostic.help];
    let parts: Vec<&str> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect();
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": rules.binary_search(&diagnostic.code).expect("rules holds every code"),
        "level": level,
        "message": {"text": parts.join("\n\n")},
    });
    let locations: Vec<Value> = diagnostic.labels.iter().map(location).collect();
    if let Some((first, others)) = locations.split_first() {
        result["locations"] = json!([first]);
        if !others.is_empty() {
            result["relatedLocations"] = json!(others);
        }
    }
    result
}

fn location(label: &Label) -> Value {
    let start = label.source.position(label.span.range().start);
    let end = label.source.position(label.span.range().end);
    let region = match label.source.text().is_empty() {
        // It is about the file as a whole, and its first line stands for that.
        true => json!({"startLine": 1}),
        false => json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        }),
    };
    let physical = json!({
        "artifactLocation": {"uri": uri(label.source.path())},
        "region": region,
    });
    let mut location = json!({"physicalLocation": physical});
    if !label.text.is_empty() {
        location["message"] = json!({"text": label.text});
    }
    location
}

/// The path as a reference, relative where the path is.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("db/0001_a.sql"), "db/0001_a.sql");
        assert_eq!(uri("a b/ü%.sql"), "a%20b/%C3%BC%25.sql");
    }
}
