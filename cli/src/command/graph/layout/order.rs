//! In which layer each box stands, and where in it.

use super::{GAP, LINE, MARGIN, Plan, on_grid};

/// So often layers are put in order by what stands beside them.
const SWEEPS: usize = 16;
/// The room around a line that passes a layer.
const ROOM: f64 = 16.0;

/// What stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Box(usize),
    /// A line to that net's box passes.
    Pass(usize),
}

/// All links that lead to one box from the same side of it.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) to: usize,
    /// Whether they come from the left, which happens where boxes refer to each other in a circle.
    pub(super) is_reverse: bool,
    pub(super) links: Vec<usize>,
}

/// Boxes and lines, layer by layer, from left to right and from top to bottom.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) nets: Vec<Net>,
    /// The layer of each box.
    pub(super) depths: Vec<usize>,
    pub(super) items: Vec<Vec<Item>>,
    /// Where the items begin; for lines, where they run.
    pub(super) tops: Vec<Vec<usize>>,
}

impl Layers {
    pub(super) fn of(plan: &Plan, boxes: &[usize]) -> Layers {
        let is_reverse = against(plan);
        let depths = depths(plan, &is_reverse);
        let nets = nets(plan, &is_reverse);
        let deepest = boxes.iter().map(|at| depths[*at]).max().unwrap_or_default();
        let mut items = vec![Vec::new(); deepest + 1];
        for at in boxes {
            items[depths[*at]].push(Item::Box(*at));
        }
        let mut layers = Layers {
            nets,
            depths,
            items,
            tops: Vec::new(),
        };
        for net in 0..layers.nets.len() {
            for depth in layers.between(plan, net) {
                layers.items[depth].push(Item::Pass(net));
            }
        }
        layers.sort(plan);
        layers.stack(plan);
        layers
    }

    /// The layers that a net passes.
    fn between(&self, plan: &Plan, net: usize) -> std::ops::Range<usize> {
        let net = &self.nets[net];
        let to = self.depths[net.to];
        let froms = net
            .links
            .iter()
            .map(|link| self.depths[plan.links[*link].from]);
        match net.is_reverse {
            true => froms.min().unwrap_or(to) + 1..to,
            false => to + 1..froms.max().unwrap_or(to),
        }
    }

    /// What each net connects between a layer and the next: the items left and right.
    pub(super) fn ends(&self, plan: &Plan, net: usize, left: usize) -> (Vec<Item>, Vec<Item>) {
        let one = &self.nets[net];
        let between = self.between(plan, net);
        let at = |depth: usize| {
            let passes = between.contains(&depth).then_some(Item::Pass(net));
            let to = (self.depths[one.to] == depth).then_some(Item::Box(one.to));
            let froms = one.links.iter().map(|link| plan.links[*link].from);
            let froms = froms
                .filter(|from| self.depths[*from] == depth)
                .map(Item::Box);
            (passes, to, froms.collect::<Vec<_>>())
        };
        let (to_left, from_left) = match one.is_reverse {
            false => (at(left), at(left + 1)),
            true => (at(left + 1), at(left)),
        };
        let towards: Vec<Item> = to_left.0.into_iter().chain(to_left.1).collect();
        let mut from: Vec<Item> = from_left.2;
        from.extend(from_left.0);
        match one.is_reverse {
            false => (towards, from),
            true => (from, towards),
        }
    }

    /// Pairs of positions that are connected between a layer and the next.
    fn pairs(&self, plan: &Plan, left: usize) -> Vec<(usize, usize)> {
        let position = |depth: usize, item: &Item| {
            let mut items = self.items[depth].iter();
            items.position(|one| one == item).expect("it stands there")
        };
        let mut pairs = Vec::new();
        for net in 0..self.nets.len() {
            let (lefts, rights) = self.ends(plan, net, left);
            for one in &lefts {
                let one = position(left, one);
                pairs.extend(rights.iter().map(|other| (one, position(left + 1, other))));
            }
        }
        pairs
    }

    fn crossings(&self, plan: &Plan) -> usize {
        let mut count = 0;
        for left in 0..self.items.len().saturating_sub(1) {
            let pairs = self.pairs(plan, left);
            for (at, one) in pairs.iter().enumerate() {
                let crosses = |other: &&(usize, usize)| {
                    (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1)
                };
                count += pairs[..at].iter().filter(crosses).count();
            }
        }
        count
    }

    /// Puts connected items beside each other, as well as a few sweeps can.
    fn sort(&mut self, plan: &Plan) {
        let mut best = (self.crossings(plan), self.items.clone());
        let count = self.items.len();
        for sweep in 0..SWEEPS {
            let order: Vec<usize> = match sweep % 2 {
                0 => (1..count).collect(),
                _ => (0..count.saturating_sub(1)).rev().collect(),
            };
            for depth in order {
                self.sort_layer(plan, depth, sweep % 2 == 0);
            }
            let crossings = self.crossings(plan);
            if crossings < best.0 {
                best = (crossings, self.items.clone());
            }
        }
        self.items = best.1;
    }

    fn sort_layer(&mut self, plan: &Plan, depth: usize, by_left: bool) {
        let pairs: Vec<(usize, usize)> = match by_left {
            true => self
                .pairs(plan, depth - 1)
                .into_iter()
                .map(|(l, r)| (r, l))
                .collect(),
            false => self.pairs(plan, depth),
        };
        let key = |at: usize| {
            let beside: Vec<f64> = pairs
                .iter()
                .filter(|pair| pair.0 == at)
                .map(|pair| pair.1 as f64)
                .collect();
            match beside.is_empty() {
                true => at as f64,
                false => beside.iter().sum::<f64>() / beside.len() as f64,
            }
        };
        let items = &self.items[depth];
        let mut keyed: Vec<(f64, Item)> = items
            .iter()
            .enumerate()
            .map(|(at, item)| (key(at), *item))
            .collect();
        keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.items[depth] = keyed.into_iter().map(|(_, item)| item).collect();
    }

    /// Finds the heights: near what an item is connected to, as the order allows.
    fn stack(&mut self, plan: &Plan) {
        let height = |item: &Item| match item {
            Item::Box(at) => plan.sizes[*at].1 as f64,
            Item::Pass(_) => 0.0,
        };
        let sizes: Vec<Vec<f64>> = self
            .items
            .iter()
            .map(|items| items.iter().map(height).collect())
            .collect();
        let room =
            |depth: usize, at: usize| match (&self.items[depth][at], &self.items[depth][at + 1]) {
                (Item::Box(_), Item::Box(_)) => GAP as f64,
                _ => ROOM,
            };
        let mut tops: Vec<Vec<f64>> = Vec::new();
        for (depth, sizes) in sizes.iter().enumerate() {
            tops.push(pushed(&vec![0.0; sizes.len()], sizes, |at| room(depth, at)));
        }
        let pairs: Vec<Vec<(usize, usize)>> = (0..self.items.len().saturating_sub(1))
            .map(|left| self.pairs(plan, left))
            .collect();
        for _ in 0..SWEEPS {
            for depth in 0..sizes.len() {
                let wanted = |at: usize| {
                    let middle = |depth: usize, at: usize| tops[depth][at] + sizes[depth][at] / 2.0;
                    let mut beside = Vec::new();
                    if depth > 0 {
                        let left = pairs[depth - 1].iter().filter(|pair| pair.1 == at);
                        beside.extend(left.map(|pair| middle(depth - 1, pair.0)));
                    }
                    if depth < pairs.len() {
                        let right = pairs[depth].iter().filter(|pair| pair.0 == at);
                        beside.extend(right.map(|pair| middle(depth + 1, pair.1)));
                    }
                    let middle = beside.iter().sum::<f64>() / beside.len().max(1) as f64;
                    middle - sizes[depth][at] / 2.0
                };
                let wanted: Vec<f64> = (0..sizes[depth].len()).map(wanted).collect();
                let down = pushed(&wanted, &sizes[depth], |at| room(depth, at));
                let up = pulled(&wanted, &sizes[depth], |at| room(depth, at));
                tops[depth] = down
                    .iter()
                    .zip(up)
                    .map(|(down, up)| (down + up) / 2.0)
                    .collect();
            }
        }
        let highest = tops.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let heights = |depth: usize| {
            let mut free = MARGIN;
            let mut heights = Vec::new();
            for (at, item) in self.items[depth].iter().enumerate() {
                let wanted = (tops[depth][at] - highest) as usize + MARGIN;
                let top = on_grid(wanted.max(free));
                heights.push(match item {
                    Item::Box(_) => top,
                    // Lines of layers beside each other are never as high as each other.
                    Item::Pass(_) => top + if depth.is_multiple_of(2) { 2 } else { 7 },
                });
                let is_box = matches!(item, Item::Box(_));
                free = top + sizes[depth][at] as usize + if is_box { LINE / 2 } else { LINE };
                if matches!(self.items[depth].get(at + 1), Some(Item::Box(_))) && is_box {
                    free += LINE;
                }
            }
            heights
        };
        self.tops = (0..sizes.len()).map(heights).collect();
    }
}

/// As near below what is wanted as there is room from the top.
fn pushed(wanted: &[f64], sizes: &[f64], room: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut tops: Vec<f64> = Vec::new();
    for (at, wanted) in wanted.iter().enumerate() {
        let free = tops.last().map(|top| top + sizes[at - 1] + room(at - 1));
        tops.push(free.map_or(*wanted, |free| wanted.max(free)));
    }
    tops
}

/// As near above what is wanted as there is room from the bottom.
fn pulled(wanted: &[f64], sizes: &[f64], room: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut tops = wanted.to_vec();
    for at in (0..tops.len().saturating_sub(1)).rev() {
        tops[at] = tops[at].min(tops[at + 1] - sizes[at] - room(at));
    }
    tops
}

/// Which links would close a circle: they are taken the other way round.
fn against(plan: &Plan) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        OnTheWay,
        Done,
    }
    fn visit(plan: &Plan, at: usize, seen: &mut [Seen], against: &mut [bool]) {
        seen[at] = Seen::OnTheWay;
        for (index, link) in plan.links.iter().enumerate() {
            if link.from == at && link.to != at {
                match seen[link.to] {
                    Seen::Not => visit(plan, link.to, seen, against),
                    Seen::OnTheWay => against[index] = true,
                    Seen::Done => {}
                }
            }
        }
        seen[at] = Seen::Done;
    }
    let mut seen = vec![Seen::Not; plan.sizes.len()];
    let mut against = vec![false; plan.links.len()];
    for at in 0..plan.sizes.len() {
        if seen[at] == Seen::Not {
            visit(plan, at, &mut seen, &mut against);
        }
    }
    against
}

/// How far each box is from what refers to nothing.
fn depths(plan: &Plan, is_reverse: &[bool]) -> Vec<usize> {
    let mut depths = vec![0; plan.sizes.len()];
    let links: Vec<(usize, usize)> = plan
        .links
        .iter()
        .zip(is_reverse)
        .filter(|(link, _)| link.from != link.to)
        .map(|(link, is_reverse)| match is_reverse {
            true => (link.to, link.from),
            false => (link.from, link.to),
        })
        .collect();
    for _ in 0..plan.sizes.len() {
        for (from, to) in &links {
            depths[*from] = depths[*from].max(depths[*to] + 1);
        }
    }
    depths
}

fn nets(plan: &Plan, is_reverse: &[bool]) -> Vec<Net> {
    let mut nets: Vec<Net> = Vec::new();
    for (index, (link, is_reverse)) in plan.links.iter().zip(is_reverse).enumerate() {
        if link.from == link.to {
            continue;
        }
        let is_it = |net: &&mut Net| net.to == link.to && net.is_reverse == *is_reverse;
        match nets.iter_mut().find(is_it) {
            Some(net) => net.links.push(index),
            None => nets.push(Net {
                to: link.to,
                is_reverse: *is_reverse,
                links: vec![index],
            }),
        }
    }
    nets
}
