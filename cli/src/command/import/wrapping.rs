//! A transaction that a file of another tool brings along: `BEGIN` and `COMMIT` around all of it.

use backstitch_core::migration::Script;

/// The text without them; `None` where nothing stands around all of it.
pub(super) fn without(script: &Script) -> Option<String> {
    let text = script.source.text();
    let first = script.statements.first()?.span.start as usize;
    let last = script.statements.last()?.span.end as usize;
    let (start, end) = (script.span.start as usize, script.span.end as usize);
    // What stands around the statements that run: comments, and what was left out of them.
    let before = &text[start..first];
    let opens = control(before, &["BEGIN", "START"])?;
    let behind = &text[last..end];
    let rest = behind.trim_start_matches(';');
    let closes = control(rest, &["COMMIT", "END"])?;
    Some(format!(
        "{}{}{}{}{}{}",
        &before[..opens.0],
        &before[opens.1..],
        &text[first..last],
        &behind[..behind.len() - rest.len()],
        &rest[..closes.0],
        &rest[closes.1..]
    ))
}

/// Where a statement that begins with one of these words stands among comments and blank space,
/// its semicolon and the end of its line included.
fn control(text: &str, words: &[&str]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let bare = rest.trim_start();
        at += rest.len() - bare.len();
        if let Some(comment) = bare.strip_prefix("--") {
            at += 2 + comment.find('\n')?;
        } else if let Some(comment) = bare.strip_prefix("/*") {
            at += 4 + comment.find("*/")?;
        } else {
            let word: String = bare.chars().take_while(char::is_ascii_alphabetic).collect();
            if !words.iter().any(|one| one.eq_ignore_ascii_case(&word)) {
                return None;
            }
            let end = bare.find(';').map_or(bare.len(), |end| end + 1);
            let line = bare[end..].strip_prefix('\r').unwrap_or(&bare[end..]);
            let line = line.strip_prefix('\n').unwrap_or(line);
            return Some((at, text.len() - line.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use backstitch_core::Dialect;
    use backstitch_core::migration::parse_up_down;
    use backstitch_core::source::Source;

    use super::*;

    #[track_caller]
    fn check(up: &str, expected: Option<&str>) {
        let source = Source::new("1_a.up.sql", up.to_owned());
        let (migration, _) = parse_up_down("1_a", &source, None, Dialect::Postgres);
        let up = migration.expect("it is read").up;
        assert_eq!(without(&up).as_deref(), expected);
    }

    #[test]
    fn what_stands_around_all_of_it_goes() {
        check(
            "BEGIN;\nSELECT 1;\n\nSELECT 2;\nCOMMIT;\n",
            Some("SELECT 1;\n\nSELECT 2;\n"),
        );
        check(
            "-- Begin; here\r\nSTART TRANSACTION ;\r\nSELECT 1;\r\n/* end */ end",
            Some("-- Begin; here\r\nSELECT 1;\r\n/* end */ "),
        );
        check("SELECT 1;\n", None);
        check("BEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;\n", None);
        check("-- nothing\n", None);
    }
}
