//! Links that lead somewhere and links that do not.

use super::*;

#[test]
fn files_folders_and_the_web_pass() {
    let page = "[a](guide.md) [b](../src/lib.rs#L1) [c](https://a.b/c) [d](#top) [e](/src) [f](crate::World)\n\
                ```\n[g](nowhere.md)\n```\n[h]: guide.md\n![i](guide.md \"title\")\n";
    assert_eq!(check(&Sources::of(&[("docs/index.md", page), ("docs/guide.md", ""), ("src/lib.rs", "")])), []);
}

#[test]
fn a_link_to_nothing_is_found() {
    let page = "See [a](guide.md), [b](gone.md#part)\nand [c](../../outside.md).\n[d]: lost.md\n";
    let findings = check(&Sources::of(&[("docs/index.md", page), ("docs/guide.md", "")]));
    let found: Vec<(usize, &str)> = findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
    let messages =
        ["`gone.md#part`", "`../../outside.md`", "`lost.md`"].map(|link| format!("{link} is not in the repository"));
    assert_eq!(found, [(1, messages[0].as_str()), (2, messages[1].as_str()), (3, messages[2].as_str())]);
}
