//! SVG, without a program to lay it out: what refers to nothing stands left, what refers to it one
//! column further right.

use std::fmt::Write as _;

use super::picture::{Box, Picture};

const LINE: usize = 20;
const SIGN: usize = 8;
const GAP: (usize, usize) = (80, 30);
const MARGIN: usize = 20;

/// Where a box stands.
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

pub(super) fn write(picture: &Picture) -> String {
    let places = places(picture);
    let right = places.iter().map(|place| place.x + place.width).max();
    let bottom = places.iter().map(|place| place.y + place.height).max();
    let (width, height) = (
        right.unwrap_or_default() + MARGIN,
        bottom.unwrap_or_default() + MARGIN,
    );
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n"
    );
    for arrow in &picture.arrows {
        line(
            &mut text,
            &places[arrow.from],
            &places[arrow.to],
            &arrow.label,
            arrow.is_optional,
        );
    }
    for (one, place) in picture.boxes.iter().zip(&places) {
        draw(&mut text, one, place);
    }
    text + "</svg>\n"
}

fn places(picture: &Picture) -> Vec<Place> {
    let depths = depths(picture);
    let deepest = depths.iter().max().copied().unwrap_or_default();
    let mut places: Vec<Place> = picture.boxes.iter().map(size).collect();
    let mut x = MARGIN;
    for depth in 0..=deepest {
        let mut y = MARGIN;
        let mut widest = 0;
        for (place, _) in places
            .iter_mut()
            .zip(&depths)
            .filter(|(_, at)| **at == depth)
        {
            (place.x, place.y) = (x, y);
            y += place.height + GAP.1;
            widest = widest.max(place.width);
        }
        x += widest + GAP.0;
    }
    places
}

/// How far each is from what refers to nothing. Circles end somewhere.
fn depths(picture: &Picture) -> Vec<usize> {
    let mut depths = vec![0; picture.boxes.len()];
    for _ in 0..picture.boxes.len() {
        let mut is_settled = true;
        for arrow in picture.arrows.iter().filter(|arrow| arrow.from != arrow.to) {
            let least = depths[arrow.to] + 1;
            if depths[arrow.from] < least && least < picture.boxes.len() {
                depths[arrow.from] = least;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    depths
}

fn size(one: &Box) -> Place {
    let signs = one.lines.iter().map(|line| shown(line).chars().count());
    let widest = signs
        .chain([one.title.chars().count()])
        .max()
        .unwrap_or_default();
    Place {
        x: 0,
        y: 0,
        width: widest * SIGN + 20,
        height: (one.lines.len() + 1) * LINE + 10,
    }
}

fn shown(line: &super::picture::Line) -> String {
    let parts = [line.name.as_str(), line.about.as_str()];
    let parts = parts.into_iter().chain(line.keys.iter().copied());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn draw(text: &mut String, one: &Box, place: &Place) {
    let Place {
        x,
        y,
        width,
        height,
    } = place;
    writeln!(
        text,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"#fafafa\" \
         stroke=\"#555\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>",
        x + 10,
        y + LINE - 4,
        escaped(&one.title)
    )
    .expect("a string");
    for (at, line) in one.lines.iter().enumerate() {
        let y = y + (at + 2) * LINE - 2;
        let line = escaped(&shown(line));
        writeln!(text, "<text x=\"{}\" y=\"{y}\">{line}</text>", x + 10).expect("a string");
    }
}

fn line(text: &mut String, from: &Place, to: &Place, label: &str, is_optional: bool) {
    let (x1, y1) = (from.x, from.y + LINE / 2 + 4);
    let (x2, y2) = (to.x + to.width, to.y + LINE / 2 + 4);
    let bend = GAP.0 / 2;
    let dash = if is_optional {
        " stroke-dasharray=\"5 3\""
    } else {
        ""
    };
    writeln!(
        text,
        "<path d=\"M{x1},{y1} C{},{y1} {},{y2} {x2},{y2}\" fill=\"none\" stroke=\"#555\"{dash} \
         marker-end=\"url(#tip)\"><title>{}</title></path>",
        x1.saturating_sub(bend),
        x2 + bend,
        escaped(label)
    )
    .expect("a string");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
