//! Mermaid: an ER diagram, or a flow chart.

use super::picture::{Kind, Picture};

pub(super) fn write(picture: &Picture) -> String {
    match picture.kind {
        Kind::Schema => schema(picture),
        Kind::Dependencies => dependencies(picture),
    }
}

fn schema(picture: &Picture) -> String {
    let mut text = "erDiagram\n".to_owned();
    for table in &picture.boxes {
        text += &format!("  {} {{\n", quoted(&table.title));
        for line in &table.lines {
            let keys = match line.keys.is_empty() {
                true => String::new(),
                false => format!(" {}", line.keys.join(", ")),
            };
            let null = if line.not_null { " \"not null\"" } else { "" };
            let about = match line.about.is_empty() {
                true => "any".to_owned(),
                false => plain(&line.about),
            };
            text += &format!("    {about} {}{keys}{null}\n", plain(&line.name));
        }
        text += "  }\n";
    }
    for arrow in &picture.arrows {
        let one = |at: usize| quoted(&picture.boxes[at].title);
        // Many of these refer to one of those, or to none.
        let end = if arrow.is_optional { "o|" } else { "||" };
        text += &format!(
            "  {} }}o--{end} {} : {}\n",
            one(arrow.from),
            one(arrow.to),
            quoted(&arrow.label)
        );
    }
    text
}

fn dependencies(picture: &Picture) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, one) in picture.boxes.iter().enumerate() {
        let name = one.lines.first().map_or("", |line| line.name.as_str());
        let label = format!("{}<br/>{}", signs(&one.title), signs(name));
        text += &format!("  m{at}[\"{label}\"]\n");
    }
    for arrow in &picture.arrows {
        text += &format!("  m{} --> m{}\n", arrow.to, arrow.from);
    }
    text
}

/// A name in quotes, which can hold anything but these.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "'").replace(['%', '\\'], "_"))
}

/// Text in a label, where some signs begin something else.
fn signs(text: &str) -> String {
    let sign = |sign: char| match sign {
        '#' => "#35;".to_owned(),
        '"' => "#quot;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        '`' => "#96;".to_owned(),
        sign => sign.to_string(),
    };
    text.chars().map(sign).collect()
}

/// Mermaid takes letters, digits and a few signs for types and names of columns, a letter first.
fn plain(text: &str) -> String {
    let is_plain = |sign: char| sign.is_alphanumeric() || "_-()[]".contains(sign);
    let signs = text
        .chars()
        .map(|sign| if is_plain(sign) { sign } else { '_' });
    let begins = text.starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
    let first = if begins { "" } else { "_" };
    first.chars().chain(signs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_break_out() {
        assert_eq!(quoted(r#"50 % "off" \ sale"#), r#""50 _ 'off' _ sale""#);
        assert_eq!(
            signs("fix #12; <b>\"x\"</b>"),
            "fix #35;12; #lt;b#gt;#quot;x#quot;#lt;/b#gt;"
        );
        for (name, shown) in [
            ("2fa", "_2fa"),
            ("größe", "größe"),
            ("numeric(10,2)", "numeric(10_2)"),
            ("", "_"),
            ("*", "__"),
        ] {
            assert_eq!(plain(name), shown);
        }
    }
}
