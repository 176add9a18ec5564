//! DOT, for Graphviz.

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
                cell += &format!(" <i>{}</i>", escaped(&line.about));
            }
            if !line.keys.is_empty() {
                cell += &format!(" {}", line.keys.join(" "));
            }
            rows += &format!("<tr><td align=\"left\">{cell}</td></tr>");
        }
        let table = "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">";
        text += &format!("  n{at} [label=<{table}{rows}</table>>];\n");
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
        text += &format!("  n{from} -> n{to} [label=\"{label}\"{style}];\n");
    }
    text + "}\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
