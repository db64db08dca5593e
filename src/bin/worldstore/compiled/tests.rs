//! The list is that of the manifest.

use super::FEATURES;

#[test]
fn every_feature_of_the_manifest_is_listed() {
    let manifest: toml::Table = include_str!("../../../../Cargo.toml").parse().unwrap();
    // Those that only turn others on tell nothing of their own.
    let groups = ["default", "full"];
    let features = manifest["features"].as_table().unwrap().keys().filter(|name| !groups.contains(&name.as_str()));
    let mut named: Vec<&str> = features.map(String::as_str).collect();
    named.sort_unstable();
    let listed: Vec<&str> = FEATURES.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, named);
}
