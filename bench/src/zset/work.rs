//! What happens: base rows, then steps, from a fixed seed.

use std::collections::HashSet;
use std::fmt::Write;

/// How many rows a step of loading has.
const LOAD: usize = 10_000;
/// Products, and meters for each thousand readings.
const PRODUCTS: i64 = 100;

/// A change: the table, three numbers, the weight.
pub type Change = (u8, [i64; 3], i64);

/// The query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Items (basket, product, quantity) and products (product, price): what each basket costs.
    Receipts,
    /// Readings (meter, half hour, watts) and meters (meter, user): the sum of each user and day.
    Meters,
    /// Edges: all pairs with a path between them.
    Closure,
}

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Receipts => "receipts",
            Self::Meters => "meters",
            Self::Closure => "closure",
        }
    }
}

/// Base rows and steps.
pub struct Work {
    pub scenario: Scenario,
    pub base: usize,
    pub batch: usize,
    pub load: Vec<Vec<Change>>,
    pub steps: Vec<Vec<Change>>,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

impl Work {
    /// So many base rows, then `count` steps of `batch` changes, a quarter of which take rows away.
    pub fn new(scenario: Scenario, base: usize, batch: usize, count: usize) -> Self {
        let mut random = Random(7);
        let mut there: Vec<[i64; 3]> = (0..base).map(|index| fresh(scenario, base, index, &mut random)).collect();
        let others = match scenario {
            Scenario::Receipts => (0..PRODUCTS).map(|product| (1, [product, product % 17 + 1, 0], 1)).collect(),
            Scenario::Meters => (0..meters(base) as i64).map(|meter| (1, [meter, meter / 3, 0], 1)).collect(),
            Scenario::Closure => Vec::new(),
        };
        let mut load: Vec<Vec<Change>> = vec![others];
        load.extend(there.chunks(LOAD).map(|rows| rows.iter().map(|row| (0, *row, 1)).collect()));
        load.retain(|step: &Vec<Change>| !step.is_empty());
        let mut edges: HashSet<[i64; 3]> =
            if scenario == Scenario::Closure { there.iter().copied().collect() } else { HashSet::new() };
        let mut steps = Vec::with_capacity(count);
        for _ in 0..count {
            let mut step: Vec<Change> = Vec::with_capacity(batch);
            for _ in 0..batch {
                // Edges go and come back, so that the graph keeps its size; other tables grow a little.
                if random.below(4) == 0 && !there.is_empty() {
                    let place = random.below(there.len());
                    let row = there.swap_remove(place);
                    edges.remove(&row);
                    step.push((0, row, -1));
                } else {
                    let row = fresh(scenario, base, random.below(base), &mut random);
                    if scenario == Scenario::Closure && !edges.insert(row) {
                        continue;
                    }
                    there.push(row);
                    step.push((0, row, 1));
                }
            }
            steps.push(step);
        }
        Self { scenario, base, batch, load, steps }
    }

    /// How many changes the steps have.
    pub fn changes(&self) -> usize {
        self.steps.iter().map(Vec::len).sum()
    }

    /// The changes as lines of text, for other programs.
    pub fn lines(&self) -> String {
        let mut text = format!("{}\n", self.load.len());
        for step in self.load.iter().chain(&self.steps) {
            for (table, [a, b, c], weight) in step {
                // Writing into a string does not fail.
                let _infallible = writeln!(text, "{table} {a} {b} {c} {weight}").is_ok();
            }
            text.push_str(".\n");
        }
        text
    }
}

fn meters(base: usize) -> usize {
    (base / 100).max(3)
}

/// A row of the first table.
fn fresh(scenario: Scenario, base: usize, index: usize, random: &mut Random) -> [i64; 3] {
    match scenario {
        Scenario::Receipts => {
            let basket = index % (base / 10).max(1);
            [basket as i64, random.below(PRODUCTS as usize) as i64, random.below(9) as i64 + 1]
        }
        Scenario::Meters => {
            let (meter, slot) = (index % meters(base), random.below(48 * 30));
            [meter as i64, slot as i64, random.below(900) as i64 + 100]
        }
        // Chains of eight edges.
        Scenario::Closure => {
            let from = (index / 8 * 10 + index % 8) as i64;
            [from, from + 1, 0]
        }
    }
}
