//! The bytes of a file that take room on the disk: those that were written or reserved.

/// Ranges of bytes, sorted, none touching the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Room(Vec<(u64, u64)>);

impl Room {
    /// All the bytes up to a length.
    pub fn of(length: u64) -> Self {
        let mut room = Self::default();
        room.add(0, length);
        room
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// How many bytes of a range are not there yet.
    pub fn missing(&self, from: u64, to: u64) -> u64 {
        let there: u64 = self.0.iter().map(|(start, end)| to.min(*end).saturating_sub(from.max(*start))).sum();
        (to - from) - there
    }

    /// The end of the longest range from a position for which `free` bytes are enough.
    pub fn reach(&self, from: u64, to: u64, free: u64) -> u64 {
        if self.missing(from, to) <= free {
            return to;
        }
        let (mut low, mut high) = (from, to);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.missing(from, middle) <= free {
                true => low = middle,
                false => high = middle,
            }
        }
        low
    }

    /// Adds a range.
    pub fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|(_, end)| *end < from);
        let after = self.0.partition_point(|(start, _)| *start <= to);
        let start = self.0.get(first).map_or(from, |(start, _)| from.min(*start));
        let end = after.checked_sub(1).and_then(|last| self.0.get(last)).map_or(to, |(_, end)| to.max(*end));
        self.0.splice(first..after, [(start, end)]);
    }

    /// Gives back what lies behind a length.
    pub fn cut(&mut self, length: u64) {
        self.0.retain_mut(|(start, end)| {
            *end = length.min(*end);
            *start < *end
        });
    }
}
