//! Tokens: they come back as they were, and what was changed is noticed.

use super::ResumeToken;

fn token() -> ResumeToken {
    ResumeToken {
        query: "0123456789abcdef".to_owned(),
        along: "flight f".to_owned(),
        done: 17,
        snapshots: vec!["flights seq:42".to_owned(), "lake://data/ä files:1f".to_owned()],
    }
}

#[test]
fn a_token_is_one_word_that_reads_back() {
    let word = token().to_string();
    assert!(word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'), "{word}");
    assert_eq!(word.parse::<ResumeToken>().unwrap(), token());
    let empty = ResumeToken { snapshots: Vec::new(), along: String::new(), ..token() };
    assert_eq!(empty.to_string().parse::<ResumeToken>().unwrap(), empty);
}

#[test]
fn no_letter_of_a_token_can_be_changed() {
    let word = token().to_string();
    for place in 0..word.len() {
        let mut letters: Vec<char> = word.chars().collect();
        letters[place] = if letters[place] == '0' { '1' } else { '0' };
        let changed: String = letters.into_iter().collect();
        assert!(changed.parse::<ResumeToken>().is_err(), "{changed}");
        assert!(word[..place].parse::<ResumeToken>().is_err());
    }
    assert!("wsr1-é".parse::<ResumeToken>().is_err());
}
