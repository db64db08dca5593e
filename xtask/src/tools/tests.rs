//! Tools that are not there.

use super::*;

fn none() -> Result<PathBuf> {
    Err(Failure::new("no network"))
}

#[test]
fn what_cannot_be_taken_back_skips_nothing() {
    assert_eq!(Missing::Fails.or_skip(none()).unwrap_err().to_string(), "no network");
    assert_eq!(Missing::Fails.or_skip(Ok("typos".into())).unwrap(), Some("typos".into()));
}

#[test]
fn elsewhere_a_check_is_left_out_but_where_all_must_be_there() {
    assert_eq!(Missing::Skips.or_skip(none()).is_err(), services::must_be_there());
}
