//! Long files and functions.

use super::*;

fn function(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    work();\n".repeat(lines - 2))
}

#[test]
fn what_fits_passes_and_so_do_tests() {
    let inner = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(100));
    let long = "// line\n".repeat(500);
    let files = [("a.rs", function(70)), ("b.rs", inner), ("tests/it/main.rs", long.clone()), ("a/tests.rs", long)];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(check(&Sources::of(&files)), []);
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let method = format!("\nimpl A {{\n{}}}\n", function(71));
    let inner = format!("mod inner {{\n{}}}\n", function(71));
    let findings = check(&Sources::of(&[("a.rs", &method), ("b.rs", &inner)]));
    let places: Vec<(&str, usize)> = findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
    assert_eq!(places, [("a.rs", 3), ("b.rs", 2)]);
    assert_eq!(findings[0].message, "`long` has 71 lines, at most 70 are wanted");
}

#[test]
fn a_long_or_broken_file_is_found() {
    let findings = check(&Sources::of(&[("a.rs", &"// line\n".repeat(451)), ("b.rs", "\nfn {")]));
    assert!(findings[0].message.starts_with("451 lines"), "{}", findings[0]);
    assert!(findings[1].message.starts_with("cannot be parsed"), "{}", findings[1]);
}
