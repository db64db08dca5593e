//! Tests of the configuration.

use super::*;

#[test]
fn nothing_is_kept_and_nobody_enters_without_the_password() {
    let text = configuration(Path::new("/a folder"), 40123, "secret");
    for line in ["bind 127.0.0.1", "port 40123", "requirepass secret", "save \"\"", "appendonly no"] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in {text}");
    }
}
