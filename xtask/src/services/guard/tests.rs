//! Tests of what needs no process; `tests/it` has those of guards at work.

use super::*;

#[test]
fn the_parent_is_found_behind_a_name_with_brackets_and_spaces() {
    assert_eq!(parent("4711 (sh) S 815 4711 4711 0 -1 4194304"), Some(815));
    assert_eq!(parent("4711 (odd) S 1 (name) R 815 4711 4711 0 -1"), Some(815));
    assert_eq!(parent("4711 (sh"), None);
}

#[test]
fn what_to_start_is_one_line_whatever_is_in_it() {
    let launch = Launch {
        words: vec!["sh".into(), "-c".into(), "echo 'a'\nexit 1".into()],
        environment: vec![("NAME".into(), "\"é\"".into())],
        stop: Stop::Insist,
        user: None,
    };
    let line = serde_json::to_string(&launch).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Launch>(&line).unwrap(), launch);
}

#[test]
fn our_children_are_found() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let process = Pid::from_child(&child);
    let found = children();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found.contains(&process), cfg!(target_os = "linux"));
    assert!(!children().contains(&process));
}
