//! Each bug is told from the others.

use super::{Bug, Planted};

#[test]
fn a_planted_bug_is_there_and_no_other() {
    for planted in Bug::ALL {
        let set = Planted::from(planted);
        assert_eq!(Bug::ALL.into_iter().filter(|bug| set.has(*bug)).collect::<Vec<_>>(), [planted]);
    }
    assert!(Bug::ALL.into_iter().all(|bug| !Planted::default().has(bug)));
}
