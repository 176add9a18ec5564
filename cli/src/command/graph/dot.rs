//! DOT, for Graphviz.

use std::fmt::Write as _;

use super::picture::{Kind, Picture};

pub(super) fn write(picture: &Picture) -> String {
    let mut text =
        "digraph migrations {\n  rankdir=LR;\n  node [shape=plaintext, fontname=\"sans-serif\"];\n"
            .to_owned();
    for (at, one) in picture.boxes.iter().enumerate() {
        let title = escaped(&one.title);
        let mut rows = format!("<tr><td bgcolor=\"#e8e8e8\"><b>{title}</b></td></tr>");
        for line in &one.lines {
            let mut cell = escaped(&line.name);
            if !line.about.is_empty() {
                write!(cell, " <i>{}</i>", escaped(&line.about)).expect("a string");
            }
            if !line.keys.is_empty() {
                write!(cell, " {}", line.keys.join(" ")).expect("a string");
            }
            write!(rows, "<tr><td align=\"left\">{cell}</td></tr>").expect("a string");
        }
        let table = "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">";
        writeln!(text, "  n{at} [label=<{table}{rows}</table>>];").expect("a string");
    }
    for arrow in &picture.arrows {
        let (from, to) = match picture.kind {
            Kind::Schema => (arrow.from, arrow.to),
            // What comes first stands first.
            Kind::Dependencies => (arrow.to, arrow.from),
        };
        let label = arrow.label.replace('\\', "\\\\").replace('"', "\\\"");
        let style = if arrow.is_optional {
            ", style=dashed"
        } else {
            ""
        };
        writeln!(text, "  n{from} -> n{to} [label=\"{label}\"{style}];").expect("a string");
    }
    text + "}\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
