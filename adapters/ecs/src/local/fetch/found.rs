//! What a query finds, archetype by archetype and row by row.

use std::slice;

use super::super::Local;
use super::super::archetype::Archetype;
use super::super::known::Known;
use super::matching::{Filter, Numbers, Spot};
use super::tuple::Laid;
use super::{Lanes, Terms, TermsMut};

/// The archetypes of a query, one after the other. Not for implementing.
pub trait Archetypes: Default {
    /// The rows of one.
    type Lanes: Lanes;

    /// The next that is found, and those behind it. The archetypes go in and out as values: what is lent lies in memory,
    /// and a loop over rows is to have where it is, and what it sums up, in registers.
    fn after(self, filter: Option<&Filter>) -> (Self, Option<Self::Lanes>);
}

/// What a query finds.
pub struct Found<Source: Archetypes> {
    archetypes: Source,
    filter: Option<Box<Filter>>,
    rows: <Source::Lanes as Lanes>::Rows,
}

impl<Source: Archetypes> Found<Source> {
    #[inline]
    pub(super) fn new(archetypes: Source, filter: Option<Box<Filter>>) -> Self {
        Self { archetypes, filter, rows: Source::Lanes::default().zip() }
    }

    #[inline]
    fn next_lanes(&mut self) -> Option<Source::Lanes> {
        let (rest, lanes) = std::mem::take(&mut self.archetypes).after(self.filter.as_deref());
        self.archetypes = rest;
        lanes
    }
}

impl<Source: Archetypes> Iterator for Found<Source> {
    type Item = <Source::Lanes as Lanes>::Item;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = Source::Lanes::next(&mut self.rows) {
                return Some(found);
            }
            self.rows = self.next_lanes()?.zip();
        }
    }

    #[inline]
    fn fold<Sum, Each: FnMut(Sum, Self::Item) -> Sum>(mut self, first: Sum, mut each: Each) -> Sum {
        let rows = std::mem::replace(&mut self.rows, Source::Lanes::default().zip());
        let mut sum = Source::Lanes::fold(rows, first, &mut each);
        while let Some(lanes) = self.next_lanes() {
            sum = Source::Lanes::fold(lanes.zip(), sum, &mut each);
        }
        sum
    }
}

/// Archetypes that are read.
pub struct Reading<'a, Items: Terms> {
    /// Rows of the last archetype that shares values, one by one, the last one first.
    others: Vec<Items::Lanes<'a>>,
    local: Option<&'a Local>,
    numbers: Numbers,
    archetypes: slice::Iter<'a, Archetype>,
}

impl<'a, Items: Terms> Reading<'a, Items> {
    #[inline]
    pub(super) fn new(local: &'a Local, numbers: Numbers) -> Self {
        Self { others: Vec::new(), local: Some(local), numbers, archetypes: local.archetypes.iter() }
    }
}

impl<Items: Terms> Default for Reading<'_, Items> {
    #[inline]
    fn default() -> Self {
        Self { others: Vec::new(), local: None, numbers: Numbers::default(), archetypes: [].iter() }
    }
}

impl<'a, Items: Terms> Archetypes for Reading<'a, Items> {
    type Lanes = Items::Lanes<'a>;

    #[inline(never)]
    fn after(mut self, filter: Option<&Filter>) -> (Self, Option<Self::Lanes>) {
        let numbers = self.numbers;
        let matches =
            |archetype: &&Archetype| numbers.are_in(archetype) && filter.is_none_or(|filter| filter.finds(archetype));
        while self.others.is_empty() {
            let Some((local, archetype)) = self.local.zip(self.archetypes.find(matches)) else { break };
            let lanes = Items::lanes(archetype);
            if lanes.is_some() {
                return (self, lanes);
            }
            self.others = Items::one_by_one(local, archetype);
            self.others.reverse();
        }
        let lanes = self.others.pop();
        (self, lanes)
    }
}

/// Archetypes that are changed.
pub struct Changing<'a, Items: TermsMut> {
    /// As in [`Reading`].
    others: Vec<Items::Lanes<'a>>,
    archetypes: slice::IterMut<'a, Archetype>,
    /// The number of the first of these archetypes.
    first: u32,
    spots: slice::Iter<'a, Spot>,
    known: &'a [Known],
    now: u64,
}

impl<'a, Items: TermsMut> Changing<'a, Items> {
    #[inline]
    pub(super) fn new(archetypes: &'a mut [Archetype], spots: &'a [Spot], known: &'a [Known], now: u64) -> Self {
        let (archetypes, spots) = (archetypes.iter_mut(), spots.iter());
        Self { others: Vec::new(), archetypes, first: 0, spots, known, now }
    }
}

impl<Items: TermsMut> Default for Changing<'_, Items> {
    #[inline]
    fn default() -> Self {
        Self::new(&mut [], &[], &[], 0)
    }
}

impl<'a, Items: TermsMut> Archetypes for Changing<'a, Items> {
    type Lanes = Items::Lanes<'a>;

    #[inline(never)]
    fn after(mut self, filter: Option<&Filter>) -> (Self, Option<Self::Lanes>) {
        while self.others.is_empty() {
            let Some(spot) = self.spots.next() else { break };
            let Some(archetype) = self.archetypes.nth((spot.archetype - self.first) as usize) else { break };
            self.first = spot.archetype + 1;
            if archetype.entities.is_empty() || filter.is_some_and(|filter| !filter.finds(archetype)) {
                continue;
            }
            match Items::lanes(archetype, spot, self.known, self.now) {
                Some(Laid::Whole(lanes)) => return (self, Some(lanes)),
                Some(Laid::OneByOne(others)) => {
                    self.others = others;
                    self.others.reverse();
                }
                None => {}
            }
        }
        let lanes = self.others.pop();
        (self, lanes)
    }
}
