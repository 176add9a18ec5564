//! SVG: boxes and lines as they are laid out.

use console::measure_text_width;

use super::layout::{self, End, LINE, Laid, Link, Plan};
use super::picture::{Arrow, Box, Kind, Line, Picture};

const SIGN: usize = 8;
/// A type that is longer, such as a list of words, is shown in full by its tooltip alone.
const LONGEST: usize = 48;

pub(super) fn write(picture: &Picture) -> String {
    let link = |arrow: &Arrow| Link {
        from: arrow.from,
        line: arrow.line,
        to: arrow.to,
    };
    let laid = layout::lay_out(&Plan {
        sizes: picture.boxes.iter().map(size).collect(),
        links: picture.arrows.iter().map(link).collect(),
    });
    let Laid { width, height, .. } = laid;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n"
    );
    for wire in &laid.wires {
        let (arrow, has_tip) = match (wire.end, picture.kind) {
            (End::Loop(at), _) => (Some(&picture.arrows[at]), true),
            (End::From(at), Kind::Schema) => (Some(&picture.arrows[at]), false),
            (End::To, Kind::Schema) => (None, true),
            // What comes first leads to what comes later.
            (End::From(at), Kind::Dependencies) => (Some(&picture.arrows[at]), true),
            (End::To, Kind::Dependencies) | (End::Between, _) => (None, false),
        };
        let mut points = wire.points.clone();
        if picture.kind == Kind::Dependencies {
            points.reverse();
        }
        line(&mut text, &points, arrow, has_tip);
    }
    for (at, one) in picture.boxes.iter().enumerate() {
        draw(&mut text, one, laid.places[at]);
    }
    text + "</svg>\n"
}

fn size(one: &Box) -> (usize, usize) {
    let signs = one
        .lines
        .iter()
        .map(|line| measure_text_width(&shown(line)));
    let widest = signs.chain([measure_text_width(&one.title)]).max();
    (
        widest.unwrap_or_default() * SIGN + 20,
        (one.lines.len() + 1) * LINE + 10,
    )
}

fn shown(line: &Line) -> String {
    let about: String = match line.about.chars().count() > LONGEST {
        true => line.about.chars().take(LONGEST - 1).chain(['…']).collect(),
        false => line.about.clone(),
    };
    let parts = [line.name.as_str(), about.as_str()];
    let parts = parts.into_iter().chain(line.keys.iter().copied());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn draw(text: &mut String, one: &Box, (x, y): (usize, usize)) {
    let (width, height) = size(one);
    *text += &format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"#fafafa\" \
         stroke=\"#555\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n",
        x + 10,
        y + LINE - 4,
        escaped(&one.title)
    );
    for (at, line) in one.lines.iter().enumerate() {
        let (x, y) = (x + 10, y + (at + 2) * LINE - 2);
        let shown = escaped(&shown(line));
        let tooltip = match line.about.chars().count() > LONGEST {
            true => format!("<title>{}</title>", escaped(&line.about)),
            false => String::new(),
        };
        *text += &format!("<text x=\"{x}\" y=\"{y}\">{tooltip}{shown}</text>\n");
    }
}

fn line(text: &mut String, points: &[(usize, usize)], arrow: Option<&Arrow>, has_tip: bool) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let dash = match arrow.is_some_and(|arrow| arrow.is_optional) {
        true => " stroke-dasharray=\"5 3\"",
        false => "",
    };
    let tip = if has_tip {
        " marker-end=\"url(#tip)\""
    } else {
        ""
    };
    let label = arrow.filter(|arrow| !arrow.label.is_empty());
    let label = label.map_or(String::new(), |arrow| {
        format!("<title>{}</title>", escaped(&arrow.label))
    });
    *text += &format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#555\" stroke-linecap=\"square\"{dash}{tip}>\
         {label}</polyline>\n",
        points.join(" ")
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
