//! Changelogs before and after a release.

use super::*;

const OLD: &str = "# Changes\n\n## Unreleased\n\n### Added\n\n- Forks.\n\n## 0.1.0 - 2026-01-01\n\n- All.\n";

#[test]
fn what_was_not_released_gets_version_and_date() {
    let new = cut(OLD, Version(0, 1, 1), "2026-11-21").unwrap();
    let expected = "# Changes\n\n## Unreleased\n\n## 0.1.1 - 2026-11-21\n\n### Added\n\n- Forks.\n\n\
                    ## 0.1.0 - 2026-01-01\n\n- All.\n";
    assert_eq!(new, expected);
    assert_eq!(section(&new, Version(0, 1, 1)), Some("### Added\n\n- Forks."));
    assert_eq!(section(&new, Version(0, 1, 0)), Some("- All."));
}

#[test]
fn a_second_time_changes_nothing() {
    let once = cut(OLD, Version(0, 1, 1), "2026-11-21").unwrap();
    assert_eq!(cut(&once, Version(0, 1, 1), "2026-11-22").unwrap(), once);
}

#[test]
fn nothing_to_release_is_refused() {
    let released = cut(OLD, Version(0, 1, 1), "2026-11-21").unwrap();
    let failure = cut(&released, Version(0, 1, 2), "2026-11-22").unwrap_err();
    assert!(failure.to_string().contains("nothing to release"), "{failure}");
    assert!(cut("# Changes\n", Version(0, 1, 2), "2026-11-22").is_err());
}
