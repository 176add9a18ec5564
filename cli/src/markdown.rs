//! A page as a terminal shows it.
//!
//! Pages use little of Markdown: headings, bold words, paragraphs and blocks of code. Their lines are
//! short enough to stay as they are.

use backstitch_core::render::Style;

const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// The page, dressed.
pub(crate) fn render(page: &str, style: Style) -> String {
    let dress = |dress: &str, text: &str| match style {
        Style::Ansi => format!("{dress}{text}{PLAIN}"),
        Style::Plain => text.to_owned(),
    };
    let mut text = String::new();
    let mut is_code = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_code = !is_code;
            // What stands behind the language says where the code belongs.
            if let Some((_, place)) = language.split_once(' ') {
                text += &dress(DIM, &format!("  {place}:"));
                text.push('\n');
            }
            continue;
        }
        if is_code {
            text += &dress(CYAN, &format!("    {line}"));
        } else if let Some(heading) = line.strip_prefix('#') {
            text += &dress(BOLD, heading.trim_start_matches(['#', ' ']));
        } else {
            let parts = line.split("**").enumerate();
            text.extend(parts.map(|(at, part)| match at % 2 {
                0 => part.to_owned(),
                _ => dress(BOLD, part),
            }));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# a-code\n\nWhat it `means` **here**.\n\n## Wrong\n\n```sql 0001_a.sql\nSELECT 1;\n\n-- x\n```\n\nEnd.\n";

    #[test]
    fn plain() {
        assert_eq!(
            render(PAGE, Style::Plain),
            "a-code\n\nWhat it `means` here.\n\nWrong\n\n  0001_a.sql:\n    SELECT 1;\n\n    -- x\n\nEnd.\n"
        );
    }

    #[test]
    fn coloured() {
        let text = render(PAGE, Style::Ansi);
        assert!(text.starts_with("\x1b[1ma-code\x1b[0m\n"), "{text:?}");
        assert!(text.contains("\x1b[36m    SELECT 1;\x1b[0m\n"), "{text:?}");
    }
}
