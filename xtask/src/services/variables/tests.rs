//! Tests of both ways to tell variables.

use super::*;

fn variables() -> [Variable; 2] {
    [("ONE", "/a folder/$it's".to_owned()), ("TWO", "redis://default:x@127.0.0.1:1".to_owned())]
}

#[test]
fn a_shell_reads_back_what_was_told() {
    let text = shell(&variables());
    assert_eq!(text, "export ONE='/a folder/$it'\\''s'\nexport TWO='redis://default:x@127.0.0.1:1'\n");
    let script = format!("{text}printf '%s|%s' \"$ONE\" \"$TWO\"");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "/a folder/$it's|redis://default:x@127.0.0.1:1");
}

#[test]
fn json_is_one_line() {
    let text = json(&variables());
    assert_eq!(text.lines().count(), 1);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["ONE"], "/a folder/$it's");
    assert_eq!(object["TWO"], "redis://default:x@127.0.0.1:1");
}
