//! Names of tiers, and what is sure enough.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher_runtime::{Map, Value};

use super::{Minimum, Tier};

fn properties(entries: &[(&str, Value)]) -> Map {
    let entries = entries.iter().map(|(name, value)| (Arc::from(*name), value.clone()));
    Map::new(entries.collect::<BTreeMap<_, _>>())
}

#[test]
fn tiers_are_ordered_by_how_sure_they_are() {
    assert!(Tier::Predicted < Tier::Inferred && Tier::Inferred < Tier::Observed);
    for tier in Tier::ALL {
        assert_eq!(tier.name().to_uppercase().parse::<Tier>().unwrap(), tier);
    }
    assert!("guessed".parse::<Tier>().is_err());
}

#[test]
fn what_says_nothing_is_observed_and_what_cannot_be_read_is_not() {
    let inferred = Minimum::default().with_tier(Tier::Inferred);
    assert!(inferred.admits(&properties(&[])));
    assert!(inferred.admits(&properties(&[("_tier", Value::from("inferred"))])));
    assert!(!inferred.admits(&properties(&[("_tier", Value::from("predicted"))])));
    assert!(!inferred.admits(&properties(&[("_tier", Value::from("guessed"))])));
    let half = Minimum::default().with_confidence(0.5);
    assert!(half.admits(&properties(&[])));
    assert!(half.admits(&properties(&[("_confidence", Value::Float(0.5))])));
    assert!(!half.admits(&properties(&[("_confidence", Value::Float(0.49))])));
    assert!(!half.admits(&properties(&[("_confidence", Value::Float(f64::NAN))])));
}
