//! Where boxes and lines go, without a program that lays them out.
//!
//! Boxes stand in layers: what refers to nothing left, what refers to it further right. All lines to
//! one box run together in one channel between two layers, and pass the layers between them where
//! there is room, so that no line crosses a box and none lies on another. Where lines touch, they
//! lead to the same box; where they cross, they have nothing to do with each other.

mod order;
mod route;

use self::order::Layers;

/// All is measured in this: boxes stand on a grid, and lines meet them in between.
pub(super) const LINE: usize = 20;
const GAP: usize = 30;
const MARGIN: usize = 30;
/// What refers to nothing and nothing refers to stands in rows as wide as this, or as the rest.
const WIDE: usize = 1000;

/// What is to be laid out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Width and height of each box.
    pub(super) sizes: Vec<(usize, usize)>,
    pub(super) links: Vec<Link>,
}

/// From a line of one box to another box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) line: usize,
    pub(super) to: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The upper left corner of each box.
    pub(super) places: Vec<(usize, usize)>,
    pub(super) wires: Vec<Wire>,
}

/// A line of straight pieces.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) points: Vec<(usize, usize)>,
    /// Where it leads; all lines to the same end may touch.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests tell lines apart by it"))]
    pub(super) net: usize,
    pub(super) end: End,
}

/// What a line is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It begins at the box that this link comes from.
    From(usize),
    /// It ends at a box.
    To,
    /// All of this link: it comes back to where it began.
    Loop(usize),
    /// It goes on.
    Between,
}

pub(super) fn lay_out(plan: &Plan) -> Laid {
    let is_linked = |at: usize| {
        let mut links = plan.links.iter().filter(|link| link.from != link.to);
        links.any(|link| link.from == at || link.to == at)
    };
    let all = 0..plan.sizes.len();
    let (linked, alone): (Vec<usize>, Vec<usize>) = all.partition(|at| is_linked(*at));
    let mut laid = Laid {
        places: vec![(MARGIN, MARGIN); plan.sizes.len()],
        ..Laid::default()
    };
    let mut bottom = MARGIN;
    if !linked.is_empty() {
        let layers = Layers::of(plan, &linked);
        route::run(plan, &layers, &mut laid);
        let low = linked
            .iter()
            .map(|at| laid.places[*at].1 + plan.sizes[*at].1);
        let low = low.chain(
            laid.wires
                .iter()
                .flat_map(|wire| wire.points.iter().map(|at| at.1)),
        );
        bottom = on_grid(low.max().unwrap_or_default() + GAP);
    }
    in_rows(plan, &alone, bottom, &mut laid);
    loops(plan, &mut laid);
    let corners = plan.sizes.iter().zip(&laid.places);
    let corners = corners.map(|((width, height), (x, y))| (x + width, y + height));
    let points = laid
        .wires
        .iter()
        .flat_map(|wire| wire.points.iter().copied());
    let ends: Vec<(usize, usize)> = corners.chain(points).collect();
    laid.width = ends.iter().map(|end| end.0).max().unwrap_or_default() + MARGIN;
    laid.height = ends.iter().map(|end| end.1).max().unwrap_or_default() + MARGIN;
    laid
}

/// What stands alone, row by row.
fn in_rows(plan: &Plan, alone: &[usize], top: usize, laid: &mut Laid) {
    let right = laid
        .wires
        .iter()
        .flat_map(|wire| &wire.points)
        .map(|at| at.0);
    let right = right.max().unwrap_or_default().max(WIDE);
    let (mut x, mut y, mut deepest) = (MARGIN, top, 0);
    for at in alone {
        let (width, height) = plan.sizes[*at];
        if x > MARGIN && x + width > right {
            (x, y) = (MARGIN, on_grid(y + deepest + GAP));
            deepest = 0;
        }
        laid.places[*at] = (x, y);
        x += width + GAP;
        deepest = deepest.max(height);
    }
}

/// What refers to itself, at the left of its box.
fn loops(plan: &Plan, laid: &mut Laid) {
    let mut seen = vec![0; plan.sizes.len()];
    for (at, link) in plan.links.iter().enumerate() {
        if link.from != link.to {
            continue;
        }
        let (x, y) = laid.places[link.from];
        // A little above what leads elsewhere from the same line.
        let (from, to) = (
            y + port(link.line) - 4,
            y + TITLE - 2 * seen[link.from].min(3),
        );
        let out = x - (10 + 5 * seen[link.from].min(2));
        seen[link.from] += 1;
        laid.wires.push(Wire {
            points: vec![(x, from), (out, from), (out, to), (x, to)],
            net: plan.sizes.len() * 2 + link.from,
            end: End::Loop(at),
        });
    }
}

/// Where a line meets the title of a box.
const TITLE: usize = 12;

/// Where a line leaves that line of a box. Never as high as [`TITLE`], wherever two boxes stand.
fn port(line: usize) -> usize {
    (line + 1) * LINE + LINE - 5
}

fn on_grid(y: usize) -> usize {
    y.div_ceil(LINE) * LINE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boxes of some sizes, and links that a simple generator picks.
    fn plan(boxes: usize, links: usize, seed: usize) -> Plan {
        let mut state = seed * 7919 + 17;
        let mut next = |below: usize| {
            state = (state * 1_103_515_245 + 12345) % 2_147_483_648;
            (state >> 8) % below
        };
        let lines: Vec<usize> = (0..boxes).map(|_| 1 + next(8)).collect();
        let sizes = lines
            .iter()
            .map(|lines| (120 + 8 * next(30), (lines + 1) * LINE + 10));
        let sizes = sizes.collect();
        let mut all: Vec<Link> = Vec::new();
        for _ in 0..links {
            let from = next(boxes);
            let (line, to) = (next(lines[from]), next(boxes));
            // A column refers to a few others at most.
            let same = all
                .iter()
                .filter(|one| (one.from, one.line) == (from, line));
            if same.count() < 3 {
                all.push(Link { from, line, to });
            }
        }
        let links = all;
        Plan { sizes, links }
    }

    /// A straight piece of a line: its net, its smaller end and its other one.
    type Piece = (usize, (usize, usize), (usize, usize));

    fn pieces(laid: &Laid) -> Vec<Piece> {
        let of = |wire: &Wire| -> Vec<_> {
            let pairs = wire.points.windows(2);
            pairs
                .map(|pair| (wire.net, pair[0].min(pair[1]), pair[0].max(pair[1])))
                .collect()
        };
        laid.wires.iter().flat_map(of).collect()
    }

    fn check(plan: &Plan) {
        let laid = lay_out(plan);
        let boxes: Vec<_> = plan.sizes.iter().zip(&laid.places).collect();
        for (at, ((width, height), (x, y))) in boxes.iter().enumerate() {
            assert!(
                x + width < laid.width && y + height < laid.height,
                "box {at} is cut off"
            );
            for ((other_width, other_height), (other_x, other_y)) in &boxes[..at] {
                let beside = x + width <= *other_x || other_x + other_width <= *x;
                let below = y + height <= *other_y || other_y + other_height <= *y;
                assert!(beside || below, "box {at} covers another one");
            }
        }
        let pieces = pieces(&laid);
        for (at, (net, from, to)) in pieces.iter().enumerate() {
            assert!(from.0 == to.0 || from.1 == to.1, "slanted: {from:?} {to:?}");
            assert!(to.0 < laid.width && to.1 < laid.height);
            for ((width, height), (x, y)) in &boxes {
                let beside = to.0 <= *x || from.0 >= x + width;
                let below = to.1 <= *y || from.1 >= y + height;
                assert!(beside || below, "{from:?} {to:?} runs through a box");
            }
            for (other, other_from, other_to) in pieces[..at].iter().filter(|one| one.0 != *net) {
                let is_one_row =
                    from.1 == to.1 && other_from.1 == other_to.1 && from.1 == other_to.1;
                let is_one_column =
                    from.0 == to.0 && other_from.0 == other_to.0 && from.0 == other_to.0;
                let apart_in_row = to.0 <= other_from.0 || other_to.0 <= from.0;
                let apart_in_column = to.1 <= other_from.1 || other_to.1 <= from.1;
                assert!(
                    !is_one_row || apart_in_row,
                    "{net} lies on {other}: {from:?} {to:?}"
                );
                assert!(
                    !is_one_column || apart_in_column,
                    "{net} lies on {other}: {from:?} {to:?}"
                );
            }
        }
        // Every link begins somewhere, and every box that is referred to has an end.
        for at in 0..plan.links.len() {
            let is_it = |wire: &&Wire| [End::From(at), End::Loop(at)].contains(&wire.end);
            assert_eq!(laid.wires.iter().filter(is_it).count(), 1, "link {at}");
        }
    }

    #[test]
    fn no_line_runs_through_a_box_or_lies_on_another() {
        for (boxes, links) in [(1, 0), (1, 1), (3, 3), (5, 8), (15, 20), (40, 60), (40, 15)] {
            for seed in 0..40 {
                check(&plan(boxes, links, seed));
            }
        }
        check(&Plan::default());
    }

    #[test]
    fn what_refers_to_it_stands_right_of_it() {
        let link = |from, to| Link { from, line: 0, to };
        let plan = Plan {
            sizes: vec![(100, 50); 4],
            links: vec![link(1, 0), link(2, 1), link(2, 0), link(1, 1)],
        };
        let laid = lay_out(&plan);
        let x: Vec<usize> = laid.places.iter().map(|place| place.0).collect();
        assert!(x[0] < x[1] && x[1] < x[2], "{x:?}");
        // What stands alone is below.
        assert!(laid.places[3].1 > laid.places[0].1 + 50);
    }
}
