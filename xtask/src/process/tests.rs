//! Times as Linux tells them, and what programs say.

use super::*;

#[test]
fn times_of_children_are_found_behind_any_name() {
    let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 9 8 0 0 11 12 130 20 20 0 1 0 100 5 6";
    assert_eq!(spent(stat), Some(1.5));
    assert_eq!(spent("7 (a) S 1"), None);
}

#[cfg(unix)]
#[test]
fn what_a_program_says_is_kept_however_it_ends() {
    let mut command = Command::new("sh");
    let (outcome, said) = overhear("a script", command.args(["-c", "echo one >&2; echo two >&2; exit 3"])).unwrap();
    assert_eq!((outcome.unwrap_err().exit_code, said.as_str()), (3, "one\ntwo\n"));
    let (outcome, said) = overhear("a script", Command::new("sh").args(["-c", "printf three >&2"])).unwrap();
    assert_eq!((outcome.is_ok(), said.as_str()), (true, "three\n"));
}
