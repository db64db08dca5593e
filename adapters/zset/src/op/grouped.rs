//! Circuits inside groups: the same operators, each group by itself, and groups inside groups.

use crate::circuit::Stream;
use crate::op::{Additive, Average};
use crate::row::Row;
use crate::store::Order;
use crate::weight::Weight;

/// A collection in groups. Its operators work inside each group, as if the group had a circuit of its own; what they keep
/// lies in one table for all groups, so a step costs the groups that change and not their number.
pub struct Grouped<'b, K, T> {
    rows: Stream<'b, (K, T)>,
}

impl<K, T> Clone for Grouped<'_, K, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, T> Copy for Grouped<'_, K, T> {}

impl<'b, T: Row> Stream<'b, T> {
    /// Puts the rows into groups.
    pub fn group<K: Row>(self, name: &str, by: impl Fn(&T) -> K + Send + Sync + 'static) -> Grouped<'b, K, T> {
        Grouped { rows: self.map(name, move |row| (by(row), row.clone())) }
    }
}

impl<'b, K: Row, T: Row> Grouped<'b, K, T> {
    /// Puts the rows of each group into groups again.
    pub fn group<J: Row>(self, name: &str, by: impl Fn(&T) -> J + Send + Sync + 'static) -> Grouped<'b, (K, J), T> {
        Grouped { rows: self.rows.map(name, move |(key, row)| ((key.clone(), by(row)), row.clone())) }
    }

    /// The rows with their groups.
    pub fn flatten(self) -> Stream<'b, (K, T)> {
        self.rows
    }

    /// Turns each row into another one.
    pub fn map<U: Row>(self, name: &str, f: impl Fn(&T) -> U + Send + Sync + 'static) -> Grouped<'b, K, U> {
        Grouped { rows: self.rows.map(name, move |(key, row)| (key.clone(), f(row))) }
    }

    /// Turns each row into any number of rows of the same group.
    pub fn flat_map<U: Row, I: IntoIterator<Item = U> + 'static>(
        self,
        name: &str,
        f: impl Fn(&T) -> I + Send + Sync + 'static,
    ) -> Grouped<'b, K, U> {
        let f = move |(key, row): &(K, T)| f(row).into_iter().map(|made| (key.clone(), made)).collect::<Vec<_>>();
        Grouped { rows: self.rows.flat_map(name, f) }
    }

    /// Keeps the rows that the function is true for.
    pub fn filter(self, name: &str, f: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Grouped { rows: self.rows.filter(name, move |(_, row)| f(row)) }
    }

    /// Makes a set of each group.
    pub fn distinct(self, name: &str) -> Self {
        Grouped { rows: self.rows.distinct(name) }
    }

    /// Joins inside each group.
    pub fn join<R: Row, J: Row, O: Row>(
        self,
        name: &str,
        right: Grouped<'b, K, R>,
        left_key: impl Fn(&T) -> J + Send + Sync + 'static,
        right_key: impl Fn(&R) -> J + Send + Sync + 'static,
        make: impl Fn(&T, &R) -> O + Send + Sync + 'static,
    ) -> Grouped<'b, K, O> {
        let left_key = move |(key, row): &(K, T)| (key.clone(), left_key(row));
        let right_key = move |(key, row): &(K, R)| (key.clone(), right_key(row));
        let make = move |left: &(K, T), right: &(K, R)| (left.0.clone(), make(&left.1, &right.1));
        Grouped { rows: self.rows.join(name, right.rows, left_key, right_key, make) }
    }

    /// Turns insertions into removals and the other way round.
    pub fn neg(self, name: &str) -> Self {
        Grouped { rows: self.rows.neg(name) }
    }

    /// Adds the rows of another collection's groups.
    pub fn add(self, name: &str, other: Self) -> Self {
        Grouped { rows: self.rows.add(name, other.rows) }
    }

    /// Takes the rows of another collection's groups away.
    pub fn minus(self, name: &str, other: Self) -> Self {
        Grouped { rows: self.rows.minus(name, other.rows) }
    }

    /// Keeps the rows whose key is in the same group of the other side.
    pub fn semi_join<R: Row, J: Row>(
        self,
        name: &str,
        right: Grouped<'b, K, R>,
        left_key: impl Fn(&T) -> J + Send + Sync + 'static,
        right_key: impl Fn(&R) -> J + Send + Sync + 'static,
    ) -> Self {
        let left_key = move |(key, row): &(K, T)| (key.clone(), left_key(row));
        let right_key = move |(key, row): &(K, R)| (key.clone(), right_key(row));
        Grouped { rows: self.rows.semi_join(name, right.rows, left_key, right_key) }
    }

    /// Keeps the rows whose key is not in the same group of the other side.
    pub fn anti_join<R: Row, J: Row>(
        self,
        name: &str,
        right: Grouped<'b, K, R>,
        left_key: impl Fn(&T) -> J + Send + Sync + 'static,
        right_key: impl Fn(&R) -> J + Send + Sync + 'static,
    ) -> Self {
        let left_key = move |(key, row): &(K, T)| (key.clone(), left_key(row));
        let right_key = move |(key, row): &(K, R)| (key.clone(), right_key(row));
        Grouped { rows: self.rows.anti_join(name, right.rows, left_key, right_key) }
    }

    /// Joins inside each group; a row without a partner there comes with `None`. See [`Stream::left_join`].
    pub fn left_join<R: Row, J: Row, O: Row>(
        self,
        name: &str,
        right: Grouped<'b, K, R>,
        left_key: impl Fn(&T) -> J + Send + Sync + 'static,
        right_key: impl Fn(&R) -> J + Send + Sync + 'static,
        make: impl Fn(&T, Option<&R>) -> O + Send + Sync + 'static,
    ) -> Grouped<'b, K, O> {
        let left_key = move |(key, row): &(K, T)| (key.clone(), left_key(row));
        let right_key = move |(key, row): &(K, R)| (key.clone(), right_key(row));
        let make =
            move |left: &(K, T), right: Option<&(K, R)>| (left.0.clone(), make(&left.1, right.map(|row| &row.1)));
        Grouped { rows: self.rows.left_join(name, right.rows, left_key, right_key, make) }
    }

    /// Counts the rows of each group.
    pub fn count(self, name: &str) -> Grouped<'b, K, i64> {
        Grouped { rows: self.rows.count(name, |(key, _)| key.clone()) }
    }

    /// Sums a value over each group.
    pub fn sum<A: Additive>(self, name: &str, value: impl Fn(&T) -> A + Send + Sync + 'static) -> Grouped<'b, K, A> {
        Grouped { rows: self.rows.sum(name, |(key, _)| key.clone(), move |(_, row)| value(row)) }
    }

    /// Averages a whole number over each group.
    pub fn average(self, name: &str, value: impl Fn(&T) -> i64 + Send + Sync + 'static) -> Grouped<'b, K, Average> {
        Grouped { rows: self.rows.average(name, |(key, _)| key.clone(), move |(_, row)| value(row)) }
    }

    /// The smallest value of each group.
    pub fn min<V: Row>(self, name: &str, value: impl Fn(&T) -> V + Send + Sync + 'static) -> Grouped<'b, K, V> {
        Grouped { rows: self.rows.min(name, |(key, _)| key.clone(), move |(_, row)| value(row)) }
    }

    /// The largest value of each group.
    pub fn max<V: Row>(self, name: &str, value: impl Fn(&T) -> V + Send + Sync + 'static) -> Grouped<'b, K, V> {
        Grouped { rows: self.rows.max(name, |(key, _)| key.clone(), move |(_, row)| value(row)) }
    }

    /// The first rows of each group in the order of a key; see [`Stream::top_k`].
    pub fn first_n<O: Row>(self, name: &str, count: u32, order: impl Fn(&T) -> O + Send + Sync + 'static) -> Self {
        let parts = move |(key, row): &(K, T)| (key.clone(), order(row), row.clone());
        Grouped { rows: self.rows.top(name, "first_n", (count, Order::Ascending), parts, |key, row| (key, row)) }
    }

    /// Turns each group into rows by any function of it; see [`Stream::aggregate`] for what it costs.
    pub fn aggregate<O: Row, I: IntoIterator<Item = O>>(
        self,
        name: &str,
        f: impl Fn(&K, &[(T, Weight)]) -> I + Send + Sync + 'static,
    ) -> Grouped<'b, K, O> {
        let f = move |key: &K, rows: &[((K, T), Weight)]| {
            let rows: Vec<(T, Weight)> = rows.iter().map(|((_, row), weight)| (row.clone(), *weight)).collect();
            f(key, &rows).into_iter().map(|made| (key.clone(), made)).collect::<Vec<_>>()
        };
        Grouped { rows: self.rows.aggregate(name, |(key, _)| key.clone(), f) }
    }
}
