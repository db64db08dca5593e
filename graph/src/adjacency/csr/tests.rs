//! Neighbours are those of the pairs, in both directions.

use std::sync::Arc;

use super::{Adjacency, equal};

#[test]
fn neighbours_are_in_order_both_ways() {
    let edges = Adjacency::new((3, 4), &[2, 0, 2, 0, 2], &[3, 1, 0, 1, 1]);
    let out = edges.towards(true);
    assert_eq!((out.of(0), out.of(1), out.of(2)), (&[1, 1][..], &[][..], &[0, 1, 3][..]));
    let into = edges.towards(false);
    assert_eq!((into.of(0), into.of(1), into.of(2), into.of(3)), (&[2][..], &[0, 0, 2][..], &[][..], &[2][..]));
    assert_eq!((out.edges(), into.edges(), into.degree(1)), (5, 5, 3));
}

#[test]
fn loops_are_found_and_left_out() {
    let edges = Arc::new(Adjacency::new((3, 3), &[0, 1, 1, 2, 1], &[1, 1, 1, 0, 2]));
    assert_eq!(edges.loops(), [(1, 2)]);
    let without = edges.without_loops();
    assert_eq!((without.towards(true).edges(), without.loops().len()), (3, 0));
    assert!(Arc::ptr_eq(&without.without_loops(), &without));
}

#[test]
fn equal_numbers_are_counted() {
    let row = [1, 3, 3, 3, 9];
    assert_eq!([0, 1, 3, 9, 10].map(|wanted| equal(&row, wanted)), [0, 1, 3, 1, 0]);
}
