//! Levels of statements.

use super::*;

fn depth_of(text: &str) -> usize {
    depth(&Tokenizer::new(&GenericDialect {}, text).tokenize().unwrap())
}

#[test]
fn operators_and_brackets_are_levels_and_commas_are_not() {
    for (text, expected) in [
        ("", 0),
        ("select a, b.c, 'x', 1.5", 1),
        ("select a + b", 2),
        ("select a + b - c, d", 3),
        ("select a, (b + (c * d)), e", 5),
        ("select f(g(h(a)), b)", 4),
        ("select a[1][2]", 3),
        ("select a from t where b in (1, 2, 3, 4) or not c", 4),
        ("select a from t where b = 1 or b = 2 or (b = 3 and c = 4) or d", 7),
        ("select a from t where b = 1 and c = 2 or b = 3 and c = 4 or b = 5 and c = 6", 5),
        ("select a from t where b between 1 and 2 + 3, c", 3),
        ("select case when a = 1 then b when a = 2 then c else d + e + f end", 4),
        ("select 1 union all select 2 union all select 3", 5),
        ("select * from a, b, c where d", 4),
        ("select * from a cross join b cross join c", 4),
        ("with a as (select 1), b as (select * from a) select * from b", 6),
        ("select a::int::text", 3),
        ("values (1, 2), (3, 4), (5, 6)", 1),
        ("select when + when + t.end + end + then + else", 6),
        ("select case when when + when + 1 then 2 end", 4),
        ("select or + or + or", 5),
        ("select case a when E'x' then X'00' when 1 then 2 end", 2),
        ("select a is distinct from b, c, d, e", 2),
        ("select 'a' when, 2", 1),
        ("select ((a", 3),
        ("select a)) + b", 2),
    ] {
        assert_eq!(depth_of(text), expected, "{text}");
    }
}

#[test]
fn more_than_the_most_is_refused_and_a_text_without_tokens_is_not() {
    let chain = |terms: usize| format!("select {}", vec!["1"; terms].join("+"));
    assert!(check(&chain(DEPTH_MAX)).is_ok());
    let refused = check(&chain(DEPTH_MAX + 1)).unwrap_err();
    assert_eq!(refused.to_string(), "invalid: the statement has too many levels, levels: 501, most: 500");
    assert!(check("select 'never closed").is_ok());
    assert!(check(&format!("select {}", vec!["-1"; 50_000].join(","))).is_ok());
}
