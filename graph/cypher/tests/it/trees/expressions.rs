//! Random expressions.

use super::patterns::{labels, name_of_label, path_of, plain_path_of};
use super::*;

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    prop::sample::select(vec![
        Or, Xor, And, Eq, NotEq, Lt, LtEq, Gt, GtEq, In, StartsWith, EndsWith, Contains, Matches, Concat, Add,
        Subtract, Multiply, Divide, Modulo, Power,
    ])
}

fn comparison() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    prop::sample::select(vec![Eq, NotEq, Lt, LtEq, Gt, GtEq])
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        literal().prop_map(ExprKind::Literal),
        text_of_name().prop_map(ExprKind::Variable),
        prop_oneof!["[0-9]{1,3}", text_of_name()].prop_map(ExprKind::Parameter),
        Just(ExprKind::CountAll),
    ]
    .prop_map(bare)
}

/// Expressions without patterns and subqueries, whose brackets are all needed.
pub fn plain_expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 30, 4, |inner| common(inner, name_of_label().boxed()).prop_map(bare))
}

/// Expressions.
pub fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 30, 4, |inner| {
        prop_oneof![4 => common(inner.clone(), labels().boxed()), 1 => with_patterns(inner)].prop_map(bare)
    })
}

/// Expressions directly over patterns: what follows a pattern must not go on with it.
pub fn over_patterns() -> impl Strategy<Value = Expr> {
    let pattern = plain_path_of(leaf().boxed()).prop_map(|path| bare(ExprKind::Pattern(Box::new(path))));
    common(prop_oneof![pattern, leaf()].boxed(), labels().boxed()).prop_map(bare)
}

fn common(inner: BoxedStrategy<Expr>, labels: BoxedStrategy<LabelExpr>) -> BoxedStrategy<ExprKind> {
    let boxed = || inner.clone().prop_map(Box::new);
    let unary = prop::sample::select(vec![UnaryOp::Not, UnaryOp::Minus, UnaryOp::Plus]);
    prop_oneof![
        (boxed(), name()).prop_map(|(operand, name)| ExprKind::Property(operand, name)),
        (unary, boxed()).prop_map(|(operator, operand)| ExprKind::Unary(operator, operand)),
        (binary_op(), boxed(), boxed()).prop_map(|(operator, left, right)| ExprKind::Binary(operator, left, right)),
        (boxed(), vec((comparison(), inner.clone()), 2..4))
            .prop_map(|(first, others)| ExprKind::Comparisons(first, others)),
        boxed().prop_map(ExprKind::IsNull),
        boxed().prop_map(ExprKind::IsNotNull),
        (boxed(), labels).prop_map(|(of, labels)| ExprKind::HasLabels(of, labels)),
        vec(inner.clone(), 0..3).prop_map(ExprKind::List),
        vec((key(), inner.clone()), 0..3).prop_map(ExprKind::Map),
        (name(), vec(map_item(inner.clone()), 0..3)).prop_map(|(name, items)| ExprKind::MapProjection(name, items)),
        (boxed(), boxed()).prop_map(|(of, index)| ExprKind::Index(of, index)),
        (boxed(), option::of(boxed()), option::of(boxed())).prop_map(|(of, from, to)| ExprKind::Slice(of, from, to)),
        call(inner.clone()),
        binding(inner.clone()),
        case(inner.clone()),
    ]
    .boxed()
}

fn key() -> impl Strategy<Value = Name> {
    prop_oneof![9 => name(), 1 => Just(Name { text: String::new(), span: Span::default() })]
}

fn map_item(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = MapItem> {
    prop_oneof![
        (key(), inner).prop_map(|(name, value)| MapItem::Field(name, value)),
        name().prop_map(MapItem::Property),
        name().prop_map(MapItem::Variable),
        Just(MapItem::All),
    ]
}

fn call(inner: BoxedStrategy<Expr>) -> BoxedStrategy<ExprKind> {
    let namespace = prop_oneof![3 => Just(Vec::new()), 1 => vec(name(), 1..3)];
    (namespace, name(), any::<bool>(), vec(inner, 0..3))
        .prop_map(|(namespace, function, distinct, arguments)| ExprKind::Call {
            namespace,
            function,
            distinct: distinct && !arguments.is_empty(),
            arguments,
        })
        .boxed()
}

fn case(inner: BoxedStrategy<Expr>) -> BoxedStrategy<ExprKind> {
    let boxed = || inner.clone().prop_map(Box::new);
    let simple = (boxed(), vec((vec(inner.clone(), 1..3), inner.clone()), 1..3));
    let searched = vec((inner.clone().prop_map(|when| vec![when]), inner.clone()), 1..3);
    let branches = prop_oneof![
        simple.prop_map(|(operand, branches)| (Some(operand), branches)),
        searched.prop_map(|branches| (None, branches)),
    ];
    (branches, option::of(boxed()))
        .prop_map(|((operand, branches), otherwise)| ExprKind::Case { operand, branches, otherwise })
        .boxed()
}

/// Expressions that bind variables.
fn binding(inner: BoxedStrategy<Expr>) -> BoxedStrategy<ExprKind> {
    let quantified = prop::sample::select(vec![Quantified::All, Quantified::Any, Quantified::None, Quantified::Single]);
    let comprehension = |value: BoxedStrategy<Option<Expr>>| {
        (name(), inner.clone(), option::of(inner.clone()), value)
            .prop_map(|(variable, list, filter, value)| Box::new(Comprehension { variable, list, filter, value }))
    };
    let parts = vec(inner.clone(), 3);
    prop_oneof![
        comprehension(option::of(inner.clone()).boxed()).prop_map(ExprKind::ListComprehension),
        (quantified, comprehension(Just(None).boxed()))
            .prop_map(|(quantified, inner)| ExprKind::Quantified(quantified, inner)),
        (name(), name(), parts).prop_map(|(result, variable, mut parts)| {
            let (value, list, start) = (parts.remove(2), parts.remove(1), parts.remove(0));
            ExprKind::Reduce(Box::new(Reduce { result, start, variable, list, value }))
        }),
    ]
    .boxed()
}

fn with_patterns(inner: BoxedStrategy<Expr>) -> BoxedStrategy<ExprKind> {
    let boxed = || inner.clone().prop_map(Box::new);
    let plain = || plain_path_of(inner.clone());
    let kind = prop::sample::select(vec![SubqueryKind::Exists, SubqueryKind::Count, SubqueryKind::Collect]);
    let clause = (vec(path_of(inner.clone()), 1..3), option::of(inner.clone()), any::<bool>()).prop_map(
        |(patterns, filter, optional)| Query {
            as_of: None,
            first: SingleQuery {
                clauses: vec![Clause {
                    kind: ClauseKind::Match(Match { optional, patterns, filter }),
                    span: Span::default(),
                }],
                span: Span::default(),
            },
            others: Vec::new(),
            span: Span::default(),
        },
    );
    let pattern = (plain(), option::of(name())).prop_map(|(path, variable)| Path { variable, ..path });
    let shortest = prop::sample::select(vec![Shortest::One, Shortest::All]);
    prop_oneof![
        plain().prop_map(|path| ExprKind::Pattern(Box::new(path))),
        (plain(), shortest).prop_map(|(mut path, shortest)| {
            path.elements.truncate(3);
            ExprKind::Pattern(Box::new(Path { shortest: Some(shortest), ..path }))
        }),
        (pattern, option::of(boxed()), boxed()).prop_map(|(pattern, filter, value)| {
            ExprKind::PatternComprehension { pattern: Box::new(pattern), filter, value }
        }),
        (kind, clause).prop_map(|(kind, query)| ExprKind::Subquery(kind, Box::new(query))),
    ]
    .boxed()
}
