//! Dates that `date -u -d @SECONDS +%F` tells as well.

use std::time::Duration;

use super::*;

#[test]
fn days_are_those_of_the_calendar() {
    let at = |seconds| of(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01");
    assert_eq!(at(86_399), "1970-01-01");
    assert_eq!(at(951_782_400), "2000-02-29");
    assert_eq!(at(951_868_800), "2000-03-01");
    assert_eq!(at(1_767_225_599), "2025-12-31");
    assert_eq!(at(1_795_305_600), "2026-11-22");
    assert_eq!(at(4_107_542_400), "2100-03-01");
}
