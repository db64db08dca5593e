//! Features with and without comments.

use super::*;

#[test]
fn features_with_comments_pass() {
    let text = "[features]\ndefault = [\"s3\"]\n# S3.\ns3 = [\n    \"dep:a\",\n]\n# The rest.\nrest = []\n[dependencies]\na = []\n";
    assert_eq!(check(&Sources::of(&[("a/Cargo.toml", text), ("a/other.toml", "[features]\nb = []\n")])), []);
}

#[test]
fn a_feature_without_comment_is_found() {
    let text = "[features]\n# S3.\ns3 = []\nrest = []\n\n# Apart.\n\nlast = []\n";
    let findings = check(&Sources::of(&[("Cargo.toml", text)]));
    let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [4, 8]);
    assert!(findings[0].message.contains("feature rest"), "{}", findings[0]);
}
