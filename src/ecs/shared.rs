//! Values that are stored once: the number that each has, and how many rows have it.

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_ecs::ComponentValue;

/// The shared values of all components.
#[derive(Debug, Default)]
pub(crate) struct SharedValues {
    known: HashMap<Arc<str>, HashMap<Box<[u8]>, Shared>>,
    next: u64,
}

#[derive(Debug, Clone, Copy)]
struct Shared {
    number: u64,
    rows: i64,
}

/// By its bytes a value, what changes in the number of its rows, and its own number.
type Values = HashMap<Box<[u8]>, (ComponentValue, i64, u64)>;

/// What a tick changes about shared values.
#[derive(Debug, Default)]
pub(crate) struct SharedChanges {
    changes: HashMap<Arc<str>, Values>,
    next: u64,
}

impl SharedValues {
    /// Notes a value that was read, with its number.
    pub fn read(&mut self, value: &ComponentValue, number: u64) {
        let of_component = self.known.entry(Arc::clone(value.name())).or_default();
        of_component.insert(value.bytes().into(), Shared { number, rows: 0 });
        self.next = self.next.max(number + 1);
    }

    /// Notes that so many rows that were read have a value.
    pub fn count(&mut self, value: &ComponentValue, rows: i64) {
        let of_component = self.known.get_mut(value.name());
        if let Some(shared) = of_component.and_then(|known| known.get_mut(value.bytes())) {
            shared.rows += rows;
        }
    }

    /// All values with their components and numbers, in no order.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, u64, &[u8])> {
        self.known.iter().flat_map(|(component, known)| {
            known.iter().map(move |(bytes, shared)| (&**component, shared.number, &**bytes))
        })
    }

    fn get(&self, value: &ComponentValue) -> Option<Shared> {
        self.known.get(value.name())?.get(value.bytes()).copied()
    }

    /// A tick without changes.
    pub fn begin(&self) -> SharedChanges {
        SharedChanges { changes: HashMap::new(), next: self.next }
    }

    /// The number of a value that is there, or that a tick brings.
    pub fn number(&self, value: &ComponentValue, changes: &SharedChanges) -> Option<u64> {
        let changed = changes.changes.get(value.name()).and_then(|changes| changes.get(value.bytes()));
        changed.map(|(_, _, number)| *number).or_else(|| self.get(value).map(|shared| shared.number))
    }

    /// The values that a tick brings, and those that go with it, each with its number.
    pub fn turnover(&self, changes: &SharedChanges) -> Vec<(ComponentValue, u64, bool)> {
        let mut all = Vec::new();
        for (value, rows, number) in changes.changes.values().flat_map(HashMap::values) {
            let before = self.get(value).map_or(0, |shared| shared.rows);
            match (before > 0, before + rows > 0) {
                (false, true) => all.push((value.clone(), *number, true)),
                (true, false) => all.push((value.clone(), *number, false)),
                _ => {}
            }
        }
        all.sort_unstable_by_key(|(_, number, _)| *number);
        all
    }

    /// Takes the changes of a tick over.
    pub fn settle(&mut self, changes: SharedChanges) {
        self.next = changes.next;
        for (component, changes) in changes.changes {
            let known = self.known.entry(component).or_default();
            for (bytes, (_, rows, number)) in changes {
                let rows = rows + known.get(&bytes).map_or(0, |shared| shared.rows);
                match rows > 0 {
                    true => _ = known.insert(bytes, Shared { number, rows }),
                    false => _ = known.remove(&bytes),
                }
            }
        }
    }
}

impl SharedChanges {
    /// Notes that so many more rows have a value, or fewer.
    pub fn count(&mut self, value: &ComponentValue, rows: i64, known: &SharedValues) {
        let changes = self.changes.entry(Arc::clone(value.name())).or_default();
        if let Some((_, count, _)) = changes.get_mut(value.bytes()) {
            *count += rows;
            return;
        }
        let number = known.get(value).map(|shared| shared.number).unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        changes.insert(value.bytes().into(), (value.clone(), rows, number));
    }
}
