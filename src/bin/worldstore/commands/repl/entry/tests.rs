//! Entries: where they end, how words go on.

use super::{Entry, WORDS, is_whole};

#[test]
fn an_entry_ends_with_a_semicolon_that_is_none_of_a_text() {
    for whole in [
        "",
        "  ",
        ":help",
        "RETURN 1;",
        "RETURN 1 ; ",
        "RETURN ';';",
        "RETURN 'it''s';",
        "RETURN 1; // why",
        "RETURN '\\'';",
    ] {
        assert!(is_whole(whole), "{whole:?}");
    }
    for open in
        ["RETURN 1", "RETURN ';", "RETURN 1 // ;", "RETURN 1; /* and", "RETURN `a;", "MATCH (n)\nRETURN n", "; 1"]
    {
        assert!(!is_whole(open), "{open:?}");
    }
    assert!(is_whole("RETURN /* ; */ 1;\n"));
    assert!(is_whole("MATCH (n)\nRETURN n;"));
}

#[test]
fn words_go_on_as_names_and_as_words_of_the_language() {
    let entry = Entry { names: ["position", "power", "größe"].map(str::to_owned).into() };
    let continued = |line: &str| entry.continued(line, line.len());
    assert_eq!(continued("MATCH (p:po"), (9, vec!["position".to_owned(), "power".to_owned()]));
    assert_eq!(continued("ret"), (0, vec!["RETURN".to_owned()]));
    assert_eq!(continued("RETURN p.grö"), (9, vec!["größe".to_owned()]));
    assert_eq!(continued("RETURN ü.pow"), (10, vec!["power".to_owned()]));
    assert_eq!(continued("RETURN "), (7, Vec::new()));
    assert_eq!(entry.continued("MATCH (p:po) RETURN p", 11), (9, vec!["position".to_owned(), "power".to_owned()]));
}

#[test]
fn words_are_sorted_and_upper_case() {
    assert!(WORDS.is_sorted() && WORDS.iter().all(|word| *word == word.to_uppercase()));
}
