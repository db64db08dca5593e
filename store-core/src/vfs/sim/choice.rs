//! What of the uncertain survives a crash.

use super::log::Logged;
use super::node::{FileChange, MetaChange};
use super::pages::Pages;
use super::random::Random;

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// The most pieces into which one write is torn; longer ones are torn into larger pieces.
const PIECES_MAX: u64 = 128;

/// What survives of the changes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Nothing.
    Nothing,
    /// Everything, as after the end of a process without a power cut.
    Everything,
    /// Names and lengths without bytes: what was written reads as zeros, if the file was shorter, or as before.
    Lengths,
    /// Names alone: a new file is empty.
    Names,
    /// Bytes and lengths without names.
    Bytes,
    /// The changes up to one, in the order in which they were made; of that one, a part. The number says which.
    Prefix(u64),
    /// Any of them, whole, cut, torn at sectors, or with the length alone. The number says which.
    Random(u64),
}

impl Choice {
    /// The n-th choice at a crash point: first those without chance, then prefixes and random ones in turn.
    pub fn nth(seed: u64, operation: u64, image: u64) -> Self {
        let mut random = Random::of(seed, &[operation, image]);
        match image {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Lengths,
            3 => Self::Names,
            4 => Self::Bytes,
            _ if image.is_multiple_of(3) => Self::Prefix(random.number()),
            _ => Self::Random(random.number()),
        }
    }
}

/// What has become of a change in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Effect {
    /// A write is there, though it was not synced.
    WriteKept,
    /// A write is gone.
    WriteLost,
    /// A write ends early.
    WriteCut,
    /// Some sectors of a write are there and others not.
    WriteTorn,
    /// The file has grown, and the bytes are not there.
    LengthOnly,
    /// A name is there, or gone, as it was last seen, though it was not synced.
    NameKept,
    /// A name is not there, or there again.
    NameLost,
    /// A file that was moved to another folder has both names.
    MoveHalved,
    /// A time or an attribute is as it was before.
    MetaLost,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::WriteKept,
        Self::WriteLost,
        Self::WriteCut,
        Self::WriteTorn,
        Self::LengthOnly,
        Self::NameKept,
        Self::NameLost,
        Self::MoveHalved,
        Self::MetaLost,
    ];
}

/// The effects in an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects(u32);

impl Effects {
    pub(super) fn note(&mut self, effect: Effect) {
        self.0 |= 1 << effect as u32;
    }

    pub(super) fn add(&mut self, more: Self) {
        self.0 |= more.0;
    }

    /// True if the effect is in the image.
    pub fn has(self, effect: Effect) -> bool {
        self.0 & (1 << effect as u32) != 0
    }
}

/// What becomes of a change of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Dropped,
    Whole,
    /// So many bytes of a write.
    Prefix(u64),
    /// Sectors by chance, and the length if it is true.
    Sectors(u64, bool),
    /// The length alone.
    Grown,
}

/// Decides, always in the same way for the same choice and the same changes.
#[derive(Debug)]
pub(super) struct Chooser {
    choice: Choice,
    /// For a prefix: the change that is cut.
    cutoff: u64,
    /// For random choices: the share of changes that are kept whole.
    bytes_percent: u64,
    names_percent: u64,
    seed: u64,
}

impl Chooser {
    /// Looks at the places of all uncertain changes in the order of all.
    pub fn new(choice: Choice, orders: &mut Vec<u64>) -> Self {
        let mut chooser = Self { choice, cutoff: 0, bytes_percent: 0, names_percent: 0, seed: 0 };
        match choice {
            Choice::Prefix(seed) => {
                orders.sort_unstable();
                orders.dedup();
                let which = Random::new(seed).index(orders.len());
                (chooser.cutoff, chooser.seed) = (orders.get(which).copied().unwrap_or(0), seed);
            }
            Choice::Random(seed) => {
                let mut random = Random::new(seed);
                let mut share = || [0, 10, 50, 90, 100].get(random.index(5)).copied().unwrap_or(50);
                (chooser.bytes_percent, chooser.names_percent, chooser.seed) = (share(), share(), seed);
            }
            _ => {}
        }
        chooser
    }

    /// Whether a change of names survives; of a move to another folder, whether either half does.
    pub fn name(&self, order: u64, loses: bool) -> bool {
        match self.choice {
            Choice::Nothing | Choice::Bytes => false,
            Choice::Everything | Choice::Lengths | Choice::Names => true,
            Choice::Prefix(_) => order < self.cutoff,
            Choice::Random(_) => Random::of(self.seed, &[1, order, u64::from(loses)]).chance(self.names_percent),
        }
    }

    /// How many changes of times and attributes of a file survive: they are written in order.
    pub fn meta<'a>(&self, changes: impl Iterator<Item = &'a Logged<MetaChange>>) -> usize {
        match self.choice {
            Choice::Nothing | Choice::Names => 0,
            Choice::Everything | Choice::Lengths | Choice::Bytes => usize::MAX,
            Choice::Prefix(_) => changes.filter(|logged| logged.order < self.cutoff).count(),
            Choice::Random(_) => {
                let orders: Vec<u64> = changes.map(|logged| logged.order).collect();
                let last = orders.last().copied().unwrap_or(0);
                Random::of(self.seed, &[2, last]).index(orders.len() + 1)
            }
        }
    }

    /// What becomes of a change of bytes, in its plainest terms.
    pub fn fate(&self, order: u64, change: &FileChange) -> Fate {
        let fate = match self.choice {
            Choice::Nothing | Choice::Names => Fate::Dropped,
            Choice::Everything | Choice::Bytes => Fate::Whole,
            Choice::Lengths => Fate::Grown,
            Choice::Prefix(_) if order < self.cutoff => Fate::Whole,
            Choice::Prefix(_) if order > self.cutoff => Fate::Dropped,
            Choice::Prefix(_) => self.part(order, change),
            Choice::Random(_) => match Random::of(self.seed, &[3, order]).chance(self.bytes_percent) {
                true => Fate::Whole,
                false => self.part(order, change),
            },
        };
        fit(fate, change)
    }

    /// Less than the whole of a change.
    fn part(&self, order: u64, change: &FileChange) -> Fate {
        let mut random = Random::of(self.seed, &[4, order]);
        let length = match change {
            FileChange::Write { bytes, .. } => bytes.len() as u64,
            FileChange::Zeros { length, .. } => *length,
            FileChange::Length(_) | FileChange::Grow(_) => return Fate::Dropped,
        };
        match random.below(10) {
            0..=2 => Fate::Dropped,
            3..=5 => Fate::Prefix(random.below(length)),
            6..=8 => Fate::Sectors(random.number(), random.chance(50)),
            _ => Fate::Grown,
        }
    }
}

/// Turns what means the same into the same.
fn fit(fate: Fate, change: &FileChange) -> Fate {
    match (fate, change) {
        (Fate::Prefix(0), _) => Fate::Dropped,
        (Fate::Grown, FileChange::Length(_) | FileChange::Grow(_)) => Fate::Whole,
        (fate, _) => fate,
    }
}

/// Does to the bytes of a file what was decided, and says what that was.
pub(super) fn apply(change: &FileChange, fate: Fate, pages: &mut Pages, effects: &mut Effects) {
    let (position, length) = match change {
        FileChange::Write { position, bytes } => (*position, bytes.len() as u64),
        FileChange::Zeros { position, length } => (*position, *length),
        FileChange::Length(_) | FileChange::Grow(_) => (0, 0),
    };
    match fate {
        Fate::Dropped => effects.note(Effect::WriteLost),
        Fate::Whole => {
            effects.note(Effect::WriteKept);
            change.apply(pages);
        }
        Fate::Prefix(length) => {
            effects.note(Effect::WriteCut);
            apply_part(change, 0, length, pages);
        }
        Fate::Sectors(seed, grown) => {
            effects.note(Effect::WriteTorn);
            for (from, to) in sectors(position, length, seed) {
                apply_part(change, from, to, pages);
            }
            if grown {
                pages.grow(position + length);
            }
        }
        Fate::Grown => {
            effects.note(Effect::LengthOnly);
            pages.grow(position + length);
        }
    }
}

/// The sectors of a write that survive, as ranges of its bytes.
fn sectors(position: u64, length: u64, seed: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut size = SECTOR;
    while length.div_ceil(size) > PIECES_MAX {
        size *= 2;
    }
    let (first, last) = (position / size, (position + length - 1) / size);
    let survives = move |piece: &u64| Random::of(seed, &[*piece]).chance(50);
    let range = move |piece: u64| {
        let from = (piece * size).saturating_sub(position);
        let to = ((piece + 1) * size - position).min(length);
        (from, to)
    };
    (first..=last).filter(survives).map(range)
}

/// Writes a range of the bytes of a write.
fn apply_part(change: &FileChange, from: u64, to: u64, pages: &mut Pages) {
    match change {
        FileChange::Write { position, bytes } => {
            pages.write(position + from, bytes.get(from as usize..to as usize).unwrap_or(&[]));
        }
        FileChange::Zeros { position, .. } => pages.zero(position + from, to - from),
        FileChange::Length(_) | FileChange::Grow(_) => {}
    }
}
