//! Random trees, of everything that the grammar can express.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use worldstore_cypher::Span;
use worldstore_cypher::ast::*;

fn bare(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// Common words, reserved words, and words with a meaning of their own.
#[rustfmt::skip]
const WORDS: [&str; 36] = [
    "a", "b", "n", "Flight", "match", "RETURN", "in", "null", "case", "end", "not", "count", "exists", "any",
    "all", "reduce", "shortestPath", "file", "Table", "partition", "key", "target", "source", "compute",
    "run", "as", "virtual", "where", "with", "desc", "limit", "is", "typed", "trail", "explain", "collect",
];

/// Known words, random words, and names that need backquotes.
fn text_of_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&WORDS[..]).prop_map(str::to_string), 1 => "[a-zäß_][a-z0-9ß_]{0,4}", 1 => "\\PC{1,4}"]
}

fn name() -> impl Strategy<Value = Name> {
    text_of_name().prop_map(|text| Name { text, span: Span::default() })
}

fn text() -> impl Strategy<Value = Text> {
    any_text().prop_map(|value| Text { value, span: Span::default() })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z';\"\\\\\n]{0,6}", any::<String>()]
}

fn literal() -> impl Strategy<Value = Literal> {
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

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    prop::sample::select(vec![
        Or, Xor, And, Eq, NotEq, Lt, LtEq, Gt, GtEq, In, StartsWith, EndsWith, Contains, Add, Subtract, Multiply,
        Divide, Modulo, Power,
    ])
}

/// Expressions.
pub fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        text_of_name().prop_map(ExprKind::Variable),
        prop_oneof!["[0-9]{1,3}", text_of_name()].prop_map(ExprKind::Parameter),
        Just(ExprKind::CountAll),
    ]
    .prop_map(bare);
    leaf.prop_recursive(5, 40, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let unary = prop::sample::select(vec![UnaryOp::Not, UnaryOp::Minus, UnaryOp::Plus]);
        prop_oneof![
            (boxed(), name()).prop_map(|(operand, name)| ExprKind::Property(operand, name)),
            (unary, boxed()).prop_map(|(operator, operand)| ExprKind::Unary(operator, operand)),
            (binary_op(), boxed(), boxed()).prop_map(|(operator, left, right)| ExprKind::Binary(operator, left, right)),
            boxed().prop_map(ExprKind::IsNull),
            boxed().prop_map(ExprKind::IsNotNull),
            vec(inner.clone(), 0..3).prop_map(ExprKind::List),
            (name(), any::<bool>(), vec(inner.clone(), 0..3)).prop_map(|(function, distinct, arguments)| {
                ExprKind::Call { function, distinct: distinct && !arguments.is_empty(), arguments }
            }),
            (option::of(boxed()), vec((inner.clone(), inner.clone()), 1..3), option::of(boxed()))
                .prop_map(|(operand, branches, otherwise)| ExprKind::Case { operand, branches, otherwise }),
        ]
        .prop_map(bare)
    })
}

fn properties() -> impl Strategy<Value = Vec<(Name, Expr)>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec((name(), expr()), 1..3)]
}

fn node() -> impl Strategy<Value = NodePattern> {
    (option::of(name()), option::of(name()), properties()).prop_map(|(variable, label, properties)| NodePattern {
        variable,
        label,
        properties,
        span: Span::default(),
    })
}

fn edge() -> impl Strategy<Value = EdgePattern> {
    let direction = prop::sample::select(vec![Direction::Right, Direction::Left, Direction::Either]);
    (option::of(name()), vec(name(), 0..3), direction, properties()).prop_map(
        |(variable, types, direction, properties)| EdgePattern {
            variable,
            types,
            direction,
            properties,
            span: Span::default(),
        },
    )
}

fn clause() -> impl Strategy<Value = Match> {
    let path = (node(), vec((edge(), node()), 0..3)).prop_map(|(start, hops)| Path { start, hops });
    (vec(path, 1..3), option::of(expr())).prop_map(|(patterns, filter)| Match {
        patterns,
        filter,
        span: Span::default(),
    })
}

fn returns() -> impl Strategy<Value = Return> {
    let item = (expr(), option::of(text_of_name())).prop_map(|(value, alias)| ReturnItem {
        value,
        is_aliased: alias.is_some(),
        name: alias.unwrap_or_default(),
    });
    let order = (expr(), any::<bool>()).prop_map(|(value, descending)| OrderItem { value, descending });
    let bounds = (option::of(expr()), option::of(expr()));
    (any::<bool>(), vec(item, 1..3), vec(order, 0..3), bounds).prop_map(|(distinct, items, order_by, (skip, limit))| {
        Return { distinct, items, order_by, skip, limit, span: Span::default() }
    })
}

fn query() -> impl Strategy<Value = Query> {
    (vec(clause(), 1..3), returns()).prop_map(|(matches, returns)| Query { matches, returns })
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
    ]
}

fn reference() -> impl Strategy<Value = Reference> {
    (name(), name(), name()).prop_map(|(column, label, key)| Reference { column, label, key })
}

/// Statements.
pub fn statement() -> impl Strategy<Value = Statement> {
    let computed = (name(), expr()).prop_map(|(name, value)| Computed { name, value });
    let label = (name(), source(), option::of(name()), vec(computed, 0..3))
        .prop_map(|(label, source, key, computed)| CreateNodeLabel { label, source, key, computed });
    let edges = prop_oneof![
        (name(), reference()).prop_map(|(source, target)| Edges::ForeignKey { source, target }),
        (source(), reference(), reference()).prop_map(|(rows, source, target)| Edges::Rows { rows, source, target }),
    ];
    let edge_type = (name(), edges).prop_map(|(name, edges)| CreateEdgeType { name, edges });
    prop_oneof![
        query().prop_map(StatementKind::Query),
        query().prop_map(StatementKind::Explain),
        label.prop_map(StatementKind::CreateNodeLabel),
        edge_type.prop_map(StatementKind::CreateEdgeType),
        name().prop_map(StatementKind::DropNodeLabel),
        name().prop_map(StatementKind::DropEdgeType),
        Just(StatementKind::ShowNodeLabels),
        Just(StatementKind::ShowEdgeTypes),
    ]
    .prop_map(|kind| Statement { kind, span: Span::default() })
}
