//! Which archetypes a query finds, and where in them its components are.

use super::super::Local;
use super::super::archetype::Archetype;

/// The most components of a query.
const COMPONENTS_MAX: usize = 8;

/// The numbers of the components that are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    all: [u32; COMPONENTS_MAX],
    count: usize,
}

impl Numbers {
    /// Those of some names. None if nobody has such a component.
    pub fn of(local: &Local, names: &[&str]) -> Option<Self> {
        let mut numbers = Self { all: [0; COMPONENTS_MAX], count: names.len() };
        for (number, name) in numbers.all.iter_mut().zip(names) {
            *number = *local.by_name.get(*name)?;
        }
        Some(numbers)
    }

    pub fn as_slice(&self) -> &[u32] {
        self.all.get(..self.count).unwrap_or_default()
    }

    /// Whether an archetype has rows with all of the components.
    pub fn are_in(&self, archetype: &Archetype) -> bool {
        !archetype.entities.is_empty() && self.as_slice().iter().all(|number| archetype.find(*number).is_some())
    }
}

/// What an archetype must have besides, and what it must not.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    required: Vec<u32>,
    excluded: Vec<u32>,
    /// True if a component is required that nobody has.
    is_empty: bool,
}

impl Filter {
    pub fn having(&mut self, number: Option<u32>) {
        self.required.extend(number);
        self.is_empty |= number.is_none();
    }

    pub fn excluding(&mut self, number: Option<u32>) {
        self.excluded.extend(number);
    }

    /// Whether an archetype with all components that are asked for is found.
    pub fn finds(&self, archetype: &Archetype) -> bool {
        let has = |number: &u32| archetype.find(*number).is_some();
        !self.is_empty && self.required.iter().all(has) && !self.excluded.iter().any(has)
    }
}

/// An archetype with all components of a query, and the columns that they have there, in the order of the query.
#[derive(Debug)]
pub struct Spot {
    pub archetype: u32,
    pub columns: [u32; COMPONENTS_MAX],
}

/// All archetypes with the components of a query, kept from one run to the next. Archetypes only become more.
#[derive(Debug)]
pub struct Spots {
    pub numbers: Numbers,
    /// How many archetypes were looked at.
    seen: usize,
    all: Vec<Spot>,
}

impl Spots {
    /// None are known yet.
    pub fn new(numbers: Numbers) -> Self {
        Self { numbers, seen: 0, all: Vec::new() }
    }

    /// Looks at archetypes that are new.
    #[inline]
    pub fn learn(&mut self, archetypes: &[Archetype]) {
        if self.seen < archetypes.len() {
            self.look_at_new(archetypes);
        }
    }

    #[cold]
    fn look_at_new(&mut self, archetypes: &[Archetype]) {
        for (number, archetype) in (0..).zip(archetypes).skip(self.seen) {
            let mut columns = [0; COMPONENTS_MAX];
            let mut asked = columns.iter_mut().zip(self.numbers.as_slice());
            // An archetype has no more columns than there are components, which have 32 bits.
            let found = asked.all(|(column, number)| match archetype.find(*number) {
                Some(place) => {
                    *column = place as u32;
                    true
                }
                None => false,
            });
            if found {
                self.all.push(Spot { archetype: number, columns });
            }
        }
        self.seen = archetypes.len();
    }

    pub fn as_slice(&self) -> &[Spot] {
        &self.all
    }
}
