//! Random trees, of everything that the grammar can express.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use worldstore_cypher::Span;
use worldstore_cypher::ast::*;

mod clauses;
mod patterns;

use clauses::query;
pub use expressions::{expr, over_patterns, plain_expr};

mod expressions;

pub fn bare(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// Common words, reserved words, and words with a meaning of their own.
#[rustfmt::skip]
const WORDS: [&str; 48] = [
    "a", "b", "n", "Flight", "match", "RETURN", "in", "null", "case", "end", "not", "count", "exists", "any",
    "all", "reduce", "shortestPath", "file", "Table", "partition", "key", "target", "source", "compute",
    "run", "as", "virtual", "where", "with", "desc", "limit", "is", "typed", "trail", "explain", "collect",
    "filter", "let", "for", "next", "yield", "shortest", "nan", "inf", "ordinality", "path", "groups", "nulls",
];

/// Known words, random words, and names that need backquotes.
pub fn text_of_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&WORDS[..]).prop_map(str::to_string), 1 => "[a-zäß_][a-z0-9ß_]{0,4}", 1 => "\\PC{1,4}"]
}

pub fn name() -> impl Strategy<Value = Name> {
    text_of_name().prop_map(|text| Name { text, span: Span::default() })
}

fn text() -> impl Strategy<Value = Text> {
    any_text().prop_map(|value| Text { value, span: Span::default() })
}

pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z';\"\\\\\n]{0,6}", any::<String>()]
}

pub fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        // Negative numbers read back as a sign and a literal, except for the least one.
        prop_oneof![0..10_i64, 0..=i64::MAX, Just(i64::MIN)].prop_map(Literal::Int),
        prop_oneof![0.0..100.0_f64, (prop::num::f64::POSITIVE | prop::num::f64::SUBNORMAL).prop_map(f64::abs)]
            .prop_map(Literal::Float),
        any_text().prop_map(Literal::Text),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        text().prop_map(Source::Partition),
        text().prop_map(Source::File),
        (text(), option::of(text()), option::of(any::<i64>())).prop_map(|(table, run, as_of)| Source::Table {
            table,
            run,
            as_of
        }),
        (prop::sample::select(&["ICEBERG", "lance"][..]), text()).prop_map(|(format, place)| Source::Format {
            format: Name { text: format.to_owned(), span: Span::default() },
            place,
        }),
    ]
}

fn reference() -> impl Strategy<Value = Reference> {
    (name(), name(), name()).prop_map(|(column, label, key)| Reference { column, label, key })
}

/// Statements.
pub fn statement() -> impl Strategy<Value = Statement> {
    let computed = (name(), expr().boxed()).prop_map(|(name, value)| Computed { name, value });
    let label = (name(), source(), option::of(name()), vec(computed, 0..3))
        .prop_map(|(label, source, key, computed)| CreateNodeLabel { label, source, key, computed });
    let edges = prop_oneof![
        (name(), reference()).prop_map(|(source, target)| Edges::ForeignKey { source, target }),
        (source(), reference(), reference()).prop_map(|(rows, source, target)| Edges::Rows { rows, source, target }),
    ];
    let edge_type = (name(), vec(edges, 1..3)).prop_map(|(name, parts)| CreateEdgeType { name, parts });
    prop_oneof![
        6 => query().prop_map(StatementKind::Query),
        1 => query().prop_map(StatementKind::Explain),
        1 => query().prop_map(StatementKind::Profile),
        1 => name().prop_map(StatementKind::DescribeNodeLabel),
        1 => name().prop_map(StatementKind::DescribeEdgeType),
        1 => label.prop_map(StatementKind::CreateNodeLabel),
        1 => edge_type.prop_map(StatementKind::CreateEdgeType),
        1 => name().prop_map(StatementKind::DropNodeLabel),
        1 => name().prop_map(StatementKind::DropEdgeType),
        1 => (name(), query()).prop_map(|(name, query)| StatementKind::CreateLiveView(CreateLiveView { name, query })),
        1 => (name(), source()).prop_filter_map("read in place", |(label, source)| {
            let is_plain = !matches!(source, Source::Partition(_));
            is_plain.then_some(StatementKind::CreateOverlay(CreateOverlay { label, source }))
        }),
        1 => name().prop_map(StatementKind::DropOverlay),
        1 => name().prop_map(StatementKind::DropLiveView),
        1 => Just(StatementKind::ShowLiveViews),
        1 => Just(StatementKind::ShowNodeLabels),
        1 => Just(StatementKind::ShowEdgeTypes),
    ]
    .prop_map(|kind| Statement { kind, span: Span::default() })
}
