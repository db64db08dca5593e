//! Where boxes and arrows go: boxes in rows, so that arrows lead down wherever they can.
//!
//! The steps are those of [Sugiyama](https://doi.org/10.1109/TSMC.1981.4308636): arrows that close a circle are turned
//! round, rows follow from the longest way, long arrows get a place in each row that they pass, rows are ordered by where
//! their neighbours are, and boxes move below them. The same picture is laid out in the same way each time.

/// Between rows, and between the boxes of a row.
const ROW_GAP: f64 = 56.0;
const BOX_GAP: f64 = 28.0;
/// Around everything.
const MARGIN: f64 = 16.0;
/// What an arrow takes in a row that it passes.
const PASS_WIDTH: f64 = 8.0;
/// Passes of arrows at most; where there would be more, long arrows go straight, and may lie behind boxes.
const PASSES_MAX: usize = 20_000;
/// How often rows are ordered, and how often boxes move.
const SWEEPS: usize = 8;

/// A place: left to right, and downwards.
pub(super) type Point = (f64, f64);

/// A picture that is laid out.
#[derive(Debug)]
pub(super) struct Layout {
    /// The middle of each box.
    pub boxes: Vec<Point>,
    /// The points of each arrow, from its begin to its end, the middles of both boxes among them.
    pub arrows: Vec<Vec<Point>>,
    pub width: f64,
    pub height: f64,
}

/// Lays out boxes of these widths and heights, and arrows from one to another.
pub(super) fn layout(sizes: &[(f64, f64)], arrows: &[(usize, usize)]) -> Layout {
    let turned = turned(sizes.len(), arrows);
    let down = |place: usize| match (arrows[place], turned[place]) {
        ((from, to), false) => (from, to),
        ((from, to), true) => (to, from),
    };
    let all: Vec<(usize, usize)> = (0..arrows.len()).map(down).collect();
    let levels = levels(sizes.len(), &all);
    let mut grid = Grid::new(sizes, &levels, &all);
    grid.order();
    grid.spread();
    let (boxes, width, height) = grid.finish();
    let route = |place: usize| {
        let mut points: Vec<Point> = grid.chains[place].iter().map(|slot| boxes[*slot]).collect();
        if turned[place] {
            points.reverse();
        }
        points
    };
    let arrows = (0..arrows.len()).map(route).collect();
    Layout { arrows, boxes: boxes[..sizes.len()].to_vec(), width, height }
}

/// Which arrows close a circle, in the order of a walk that goes as deep as it can first.
fn turned(boxes: usize, arrows: &[(usize, usize)]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        Open,
        Done,
    }
    let mut out = vec![Vec::new(); boxes];
    for (place, (from, _)) in arrows.iter().enumerate() {
        out[*from].push(place);
    }
    let (mut seen, mut turned) = (vec![Seen::Never; boxes], vec![false; arrows.len()]);
    for start in 0..boxes {
        if seen[start] != Seen::Never {
            continue;
        }
        seen[start] = Seen::Open;
        let mut walk = vec![(start, 0)];
        while let Some((here, next)) = walk.last_mut() {
            let Some(arrow) = out[*here].get(*next).copied() else {
                seen[*here] = Seen::Done;
                walk.pop();
                continue;
            };
            *next += 1;
            let to = arrows[arrow].1;
            match seen[to] {
                Seen::Never => {
                    seen[to] = Seen::Open;
                    walk.push((to, 0));
                }
                Seen::Open => turned[arrow] = true,
                Seen::Done => {}
            }
        }
    }
    turned
}

/// The row of each box: below all those from which arrows come.
fn levels(boxes: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let (mut levels, mut open) = (vec![0; boxes], vec![0_usize; boxes]);
    let mut out = vec![Vec::new(); boxes];
    for (from, to) in arrows.iter().filter(|(from, to)| from != to) {
        out[*from].push(*to);
        open[*to] += 1;
    }
    let mut ready: Vec<usize> = (0..boxes).filter(|one| open[*one] == 0).collect();
    let is_first: Vec<bool> = open.iter().map(|open| *open == 0).collect();
    while let Some(one) = ready.pop() {
        for to in &out[one] {
            levels[*to] = levels[*to].max(levels[one] + 1);
            open[*to] -= 1;
            if open[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    // What nothing leads to stands right above what it leads to.
    for one in (0..boxes).filter(|one| is_first[*one]) {
        if let Some(nearest) = out[one].iter().map(|to| levels[*to]).min() {
            levels[one] = nearest - 1;
        }
    }
    levels
}

/// Boxes, and the places that long arrows have in the rows that they pass.
struct Grid {
    sizes: Vec<(f64, f64)>,
    rows: Vec<Vec<usize>>,
    level: Vec<usize>,
    /// Neighbours in the row above, and in the row below.
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    x: Vec<f64>,
    /// The places along each arrow, downwards.
    chains: Vec<Vec<usize>>,
}

impl Grid {
    fn new(boxes: &[(f64, f64)], levels: &[usize], arrows: &[(usize, usize)]) -> Self {
        let (mut sizes, mut level) = (boxes.to_vec(), levels.to_vec());
        let passed = |(from, to): &(usize, usize)| levels[*to].saturating_sub(levels[*from] + 1);
        let has_passes = arrows.iter().map(passed).sum::<usize>() <= PASSES_MAX;
        let mut chains = Vec::with_capacity(arrows.len());
        for arrow in arrows {
            let mut chain = vec![arrow.0];
            for row in (levels[arrow.0] + 1..levels[arrow.1]).filter(|_| has_passes) {
                chain.push(sizes.len());
                sizes.push((PASS_WIDTH, 0.0));
                level.push(row);
            }
            chain.push(arrow.1);
            chains.push(chain);
        }
        let mut rows = vec![Vec::new(); level.iter().max().map_or(0, |last| last + 1)];
        for (slot, row) in level.iter().enumerate() {
            rows[*row].push(slot);
        }
        let (mut above, mut below) = (vec![Vec::new(); sizes.len()], vec![Vec::new(); sizes.len()]);
        for step in chains.iter().flat_map(|chain| chain.windows(2)) {
            if let [upper, lower] = step
                && upper != lower
            {
                below[*upper].push(*lower);
                above[*lower].push(*upper);
            }
        }
        let x = vec![0.0; sizes.len()];
        Self { sizes, rows, level, above, below, x, chains }
    }

    /// Orders each row by where the neighbours are, downwards and upwards in turn.
    fn order(&mut self) {
        let mut places = vec![0.0; self.sizes.len()];
        let number = |row: &[usize], places: &mut [f64]| {
            row.iter().zip(0_u32..).for_each(|(slot, place)| places[*slot] = f64::from(place));
        };
        self.rows.iter().for_each(|row| number(row, &mut places));
        for sweep in 0..SWEEPS {
            let is_down = sweep % 2 == 0;
            let neighbours = if is_down { &self.above } else { &self.below };
            let count = self.rows.len();
            for step in 0..count {
                let row = &mut self.rows[if is_down { step } else { count - 1 - step }];
                let middle = |slot: &usize| mean(&neighbours[*slot], &places).unwrap_or(places[*slot]);
                let mut keyed: Vec<(f64, usize)> = row.iter().map(|slot| (middle(slot), *slot)).collect();
                keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
                *row = keyed.into_iter().map(|(_, slot)| slot).collect();
                number(row, &mut places);
            }
        }
    }

    /// Moves boxes to where their neighbours are, as far as those beside them let them.
    fn spread(&mut self) {
        for row in 0..self.rows.len() {
            self.settle(row, &|_, _| 0.0);
        }
        for sweep in 0..SWEEPS {
            let is_down = sweep % 2 == 0;
            for step in 0..self.rows.len() {
                let row = if is_down { step } else { self.rows.len() - 1 - step };
                self.settle(row, &|grid: &Self, slot| {
                    let neighbours = if is_down { &grid.above } else { &grid.below };
                    mean(&neighbours[slot], &grid.x).unwrap_or(grid.x[slot])
                });
            }
        }
    }

    /// Places a row in its order: between the places that come of pushing to the right and of pushing to the left.
    fn settle(&mut self, row: usize, wanted: &dyn Fn(&Self, usize) -> f64) {
        let slots = self.rows[row].clone();
        let wanted: Vec<f64> = slots.iter().map(|slot| wanted(self, *slot)).collect();
        let apart = |one: usize, other: usize| (self.sizes[slots[one]].0 + self.sizes[slots[other]].0) / 2.0 + BOX_GAP;
        let (mut right, mut left) = (wanted.clone(), wanted);
        for place in 1..slots.len() {
            right[place] = right[place].max(right[place - 1] + apart(place - 1, place));
        }
        for place in (1..slots.len()).rev() {
            left[place - 1] = left[place - 1].min(left[place] - apart(place - 1, place));
        }
        for (place, slot) in slots.iter().enumerate() {
            self.x[*slot] = (right[place] + left[place]) / 2.0;
        }
    }

    /// The middles of all places, and the width and height of the whole.
    fn finish(&self) -> (Vec<Point>, f64, f64) {
        let edges = |side: f64| self.x.iter().zip(&self.sizes).map(move |(x, (width, _))| x + side * width / 2.0);
        let (first, last) = (edges(-1.0).fold(0.0, f64::min), edges(1.0).fold(0.0, f64::max));
        let (mut top, mut middles) = (MARGIN, Vec::with_capacity(self.rows.len()));
        for row in &self.rows {
            let height = row.iter().map(|slot| self.sizes[*slot].1).fold(0.0, f64::max);
            middles.push(top + height / 2.0);
            top += height + ROW_GAP;
        }
        let point = |(x, row): (&f64, &usize)| (x - first + MARGIN, middles[*row]);
        let points = self.x.iter().zip(&self.level).map(point).collect();
        (points, last - first + 2.0 * MARGIN, (top - ROW_GAP).max(0.0) + MARGIN)
    }
}

fn mean(of: &[usize], values: &[f64]) -> Option<f64> {
    let sum: f64 = of.iter().map(|one| values[*one]).sum();
    (!of.is_empty()).then(|| sum / of.len() as f64)
}

#[cfg(test)]
mod tests;
