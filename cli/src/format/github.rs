//! The findings as commands to a workflow of GitHub, which shows them on the lines they are about.

use backstitch_core::diagnostic::{Diagnostic, Severity};

use super::text;
use backstitch_core::report::Report;

pub(super) fn write(report: &Report, level: Severity) -> String {
    let mut lines: String = report.at_least(level).map(command).collect();
    lines += &text::summary(report);
    lines.push('\n');
    lines
}

/// `::error file=…,line=…,col=…,title=…::message`
fn command(diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warn => "warning",
        Severity::Info => "notice",
    };
    let path = diagnostic.path().map(|path| ("file", path.to_owned()));
    let position = diagnostic.position();
    let properties = [
        path,
        position.map(|position| ("line", position.line.to_string())),
        position.map(|position| ("col", position.column.to_string())),
        Some(("title", format!("backstitch: {}", diagnostic.code))),
    ];
    let properties: Vec<String> = properties
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", property(&value)))
        .collect();
    let parts = [&diagnostic.message, &diagnostic.why, &diagnostic.help];
    let parts: Vec<&str> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect();
    let message = data(&parts.join("\n"));
    format!("::{command} {}::{message}\n", properties.join(","))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use backstitch_core::source::{Source, Span};

    use super::*;

    #[test]
    fn what_has_a_meaning_to_github_is_escaped() {
        let source = Source::new("a,b:c%.sql", "SELECT 1;");
        let diagnostic = Diagnostic::warn("a-code", "100 % of a::b")
            .at(&source, Span::new(7..8), "")
            .help("Write:\r\nSELECT 2;");
        assert_eq!(
            command(&diagnostic),
            "::warning file=a%2Cb%3Ac%25.sql,line=1,col=8,title=backstitch%3A a-code\
             ::100 %25 of a::b%0AWrite:%0D%0ASELECT 2;\n"
        );
        assert_eq!(
            command(&Diagnostic::error("a-code", "b")),
            "::error title=backstitch%3A a-code::b\n"
        );
    }
}
