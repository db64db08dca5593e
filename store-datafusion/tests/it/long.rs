//! Statements that machines write: long ones are answered or refused, and never end the process.

use worldstore_core::ErrorKind;
use worldstore_datafusion::SqlSession;

use crate::fixture::{error, rows, session};

/// As many terms, with something between them.
fn chain(count: usize, between: &str, term: impl Fn(usize) -> String) -> String {
    (0..count).map(term).collect::<Vec<_>>().join(between)
}

async fn first(session: &SqlSession, text: &str) -> String {
    rows(session, text).await.unwrap_or_else(|error| panic!("{}: {error}", &text[..60])).swap_remove(0)
}

#[tokio::test]
async fn many_levels_are_answered() {
    let session = session().await;
    let any = chain(480, " or ", |n| format!("entity = {n} and speed > {n}"));
    let all = chain(480, " and ", |n| format!("entity <> {}", n + 100));
    for (text, expected) in [
        (format!("select count(*) from cars where {any}"), "2"),
        (format!("select count(*) from cars where {all}"), "3"),
        (format!("select count(*) from cars where entity in ({})", chain(20_000, ",", |n| format!("-{n}"))), "0"),
        (format!("select count({}) from cars", chain(480, " || ", |_| "road".to_owned())), "3"),
        (format!("select sum({}) from cars", chain(480, " + ", |_| "speed".to_owned())), "5040.0"),
        (format!("select count(*) from ({})", chain(200, " union all ", |_| "select 1".to_owned())), "200"),
        (format!("select 1{}", "::bigint".repeat(480)), "1"),
        (
            format!(
                "select count(*) from cars c {}",
                chain(60, " ", |n| format!("join cars c{n} on c{n}.entity = c.entity"))
            ),
            "3",
        ),
    ] {
        assert_eq!(first(&session, &text).await, expected, "{}", &text[..60]);
    }
}

#[tokio::test]
async fn too_many_levels_are_refused() {
    let session = session().await;
    let views = chain(120, ", ", |n| format!("t{} as (select b, max(a) as a from t{n} group by b)", n + 1));
    for (text, words) in [
        (
            format!("select count(*) from cars where {}", chain(50_000, " or ", |n| format!("entity = {n}"))),
            "too many levels",
        ),
        (format!("select {}", chain(50_000, "+", |_| "1".to_owned())), "too many levels, levels: 50000, most: 500"),
        (chain(10_000, " union all ", |_| "select 1".to_owned()), "too many levels"),
        (format!("select count(*) from {}", chain(10_000, ", ", |n| format!("cars c{n}"))), "too many levels"),
        (format!("select 1{}", " is not null".repeat(10_000)), "too many levels"),
        (
            format!("with t0 as (select speed as a, road as b from cars), {views} select * from t120"),
            "the plan of the query has too many levels, levels: 240, most: 100",
        ),
        (format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000)), "too many levels"),
        (format!("select {}1{}", "(".repeat(300), ")".repeat(300)), "recursion limit exceeded"),
    ] {
        let refused = error(&session, &text).await;
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{}", &text[..60]);
        assert!(refused.to_string().contains(words), "{}: {refused}", &text[..60]);
    }
}
