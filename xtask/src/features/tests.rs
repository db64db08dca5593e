//! Features of this workspace's facade, which has all kinds.

use super::*;

#[test]
fn each_is_alone_once_and_pairs_are_of_two_that_say_something() {
    let workspace = Workspace::find().unwrap();
    let packages = workspace.packages();
    let facade = packages.iter().find(|package| *package.name == *FACADE).unwrap();
    let alone = alone(facade);
    assert!(
        alone.contains(&String::new()) && alone.contains(&"redb".to_owned()) && !alone.contains(&"default".to_owned())
    );
    let pairs = pairs(facade);
    assert!(pairs.contains(&"redb,sled".to_owned()), "{pairs:?}");
    assert!(!pairs.contains(&"sled,redb".to_owned()), "each pair once");
    assert!(!pairs.contains(&"graph,sql".to_owned()), "the graph brings SQL");
}
