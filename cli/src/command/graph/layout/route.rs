//! Where the lines run: each net has a track of its own between two layers.

use std::collections::HashMap;

use super::order::{Item, Layers};
use super::{End, Laid, MARGIN, Plan, TITLE, Wire, port};

/// Between two tracks, and between a track and a box.
const TRACK: usize = 12;
const ROOM: usize = 34;

/// A net between two layers.
struct Piece {
    net: usize,
    /// The items left and right of it, with the height at which it meets them.
    lefts: Vec<(Item, usize, Option<usize>)>,
    rights: Vec<(Item, usize, Option<usize>)>,
    track: usize,
}

impl Piece {
    fn span(&self) -> (usize, usize) {
        let heights = self.lefts.iter().chain(&self.rights).map(|end| end.1);
        let (low, high) = (heights.clone().min(), heights.max());
        (low.unwrap_or_default(), high.unwrap_or_default())
    }
}

/// Puts the boxes where they belong, and the lines between them.
pub(super) fn run(plan: &Plan, layers: &Layers, laid: &mut Laid) {
    let mut tracks: HashMap<(usize, usize), usize> = HashMap::new();
    let mut all = Vec::new();
    let mut x = MARGIN;
    let count = layers.items.len();
    let mut lefts = Vec::new();
    for depth in 0..count {
        lefts.push(x);
        let mut widest = 0;
        for (item, top) in layers.items[depth].iter().zip(&layers.tops[depth]) {
            if let Item::Box(at) = item {
                laid.places[*at] = (x, *top);
                widest = widest.max(plan.sizes[*at].0);
            }
        }
        x += widest;
        if depth + 1 == count {
            break;
        }
        let (pieces, used) = pieces(plan, layers, depth);
        for piece in pieces {
            let at = x + ROOM + piece.track * TRACK;
            tracks.insert((piece.net, depth), at);
            all.push((depth, piece));
        }
        x += 2 * ROOM + used.saturating_sub(1) * TRACK;
    }
    for (depth, piece) in &all {
        let track = tracks[&(piece.net, *depth)];
        wires(plan, layers, laid, piece, track);
        // Where it passes the layer at the right, it goes on to the track behind.
        for (item, height, _) in &piece.rights {
            if let (Item::Pass(_), Some(next)) = (item, tracks.get(&(piece.net, depth + 1))) {
                laid.wires.push(Wire {
                    points: vec![(track, *height), (*next, *height)],
                    net: piece.net,
                    end: End::Between,
                });
            }
        }
    }
}

/// The nets between that layer and the next, each with a track, and how many tracks there are.
fn pieces(plan: &Plan, layers: &Layers, left: usize) -> (Vec<Piece>, usize) {
    let mut pieces = Vec::new();
    // How often a line of a box is used already: several links can begin in one.
    let mut used: HashMap<(usize, usize), usize> = HashMap::new();
    for net in 0..layers.nets.len() {
        let (lefts, rights) = layers.ends(plan, net, left);
        if lefts.is_empty() || rights.is_empty() {
            continue;
        }
        let is_reverse = layers.nets[net].is_reverse;
        let lefts = met(plan, layers, (net, left), &lefts, is_reverse, &mut used);
        let rights = met(
            plan,
            layers,
            (net, left + 1),
            &rights,
            !is_reverse,
            &mut used,
        );
        pieces.push(Piece {
            net,
            lefts,
            rights,
            track: 0,
        });
    }
    // Those that reach highest are nearest to where they lead.
    pieces.sort_by_key(|piece| (piece.span().0, piece.span().1));
    let mut ends: Vec<usize> = Vec::new();
    for piece in &mut pieces {
        let (low, high) = piece.span();
        let free = ends.iter().position(|end| end + TRACK < low);
        piece.track = free.unwrap_or(ends.len());
        match free {
            Some(track) => ends[track] = high,
            None => ends.push(high),
        }
    }
    (pieces, ends.len())
}

/// The heights at which a net meets these items of a layer. `begins`: links begin there.
fn met(
    plan: &Plan,
    layers: &Layers,
    (net, depth): (usize, usize),
    items: &[Item],
    begins: bool,
    used: &mut HashMap<(usize, usize), usize>,
) -> Vec<(Item, usize, Option<usize>)> {
    let top = |item: &Item| {
        let at = layers.items[depth].iter().position(|one| one == item);
        layers.tops[depth][at.expect("it stands there")]
    };
    let one = &layers.nets[net];
    let mut all = Vec::new();
    let mut seen = Vec::new();
    for item in items {
        match item {
            Item::Pass(_) => all.push((*item, top(item), None)),
            // The title is met by what leads here: a little higher from the left.
            Item::Box(_) if !begins => {
                let height = TITLE - if one.is_reverse { 3 } else { 0 };
                all.push((*item, top(item) + height, None));
            }
            Item::Box(at) if !seen.contains(at) => {
                seen.push(*at);
                let links = one
                    .links
                    .iter()
                    .filter(|link| plan.links[**link].from == *at);
                for link in links {
                    let line = plan.links[*link].line;
                    let count = used.entry((*at, line)).or_default();
                    // Lines to the left are on even heights then, those to the right on odd ones.
                    let shift = 2 * (*count).min(3) + usize::from(one.is_reverse);
                    *count += 1;
                    let height = top(item) + port(line) + shift - 1;
                    all.push((*item, height, Some(*link)));
                }
            }
            Item::Box(_) => {}
        }
    }
    all
}

fn wires(plan: &Plan, layers: &Layers, laid: &mut Laid, piece: &Piece, track: usize) {
    let (low, high) = piece.span();
    let wire = |points, end| Wire {
        points,
        net: piece.net,
        end,
    };
    let mut new = Vec::new();
    if low < high {
        new.push(wire(vec![(track, low), (track, high)], End::Between));
    }
    let is_reverse = layers.nets[piece.net].is_reverse;
    for (ends, side) in [(&piece.lefts, Side::Left), (&piece.rights, Side::Right)] {
        for (item, height, link) in ends {
            let Item::Box(at) = item else {
                continue;
            };
            let (x, width) = (laid.places[*at].0, plan.sizes[*at].0);
            let edge = match side {
                Side::Left => x + width,
                Side::Right => x,
            };
            new.push(match link {
                Some(link) => wire(vec![(edge, *height), (track, *height)], End::From(*link)),
                None => {
                    debug_assert_eq!(is_reverse, side == Side::Right);
                    wire(vec![(track, *height), (edge, *height)], End::To)
                }
            });
        }
    }
    laid.wires.extend(new);
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}
