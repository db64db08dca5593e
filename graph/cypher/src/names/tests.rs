//! Tests of the table of reserved words.

use super::*;

#[test]
fn reserved_words_are_sorted_and_found_in_any_case() {
    assert!(RESERVED.is_sorted());
    assert!(is_reserved("where") && is_reserved("Xor") && !is_reserved("count") && !is_reserved("from"));
    assert!(is_special_function("ANY") && !is_special_function("count"));
}

#[test]
fn a_word_starts_with_a_letter() {
    assert!(is_word_start('é') && is_word_start('_') && !is_word_start('1') && !is_word_start('$'));
    assert!(is_word_char('1') && !is_word_char('-'));
}
