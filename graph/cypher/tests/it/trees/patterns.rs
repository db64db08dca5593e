//! Random patterns.

use super::*;

/// One label.
pub fn name_of_label() -> impl Strategy<Value = LabelExpr> {
    name().prop_map(|name| LabelExpr { kind: LabelKind::Name(name), span: Span::default() })
}

/// Conditions on labels.
pub fn labels() -> impl Strategy<Value = LabelExpr> {
    let bare = |kind| LabelExpr { kind, span: Span::default() };
    let leaf = prop_oneof![4 => name().prop_map(LabelKind::Name), 1 => Just(LabelKind::Any)].prop_map(bare);
    leaf.prop_recursive(3, 6, 2, move |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed().prop_map(LabelKind::Not),
            (boxed(), boxed()).prop_map(|(left, right)| LabelKind::And(left, right)),
            (boxed(), boxed()).prop_map(|(left, right)| LabelKind::Or(left, right)),
        ]
        .prop_map(bare)
    })
}

fn properties(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Option<Properties>> {
    prop_oneof![
        4 => Just(None),
        2 => vec((name(), inner), 0..3).prop_map(|entries| Some(Properties::Map(entries))),
        1 => name().prop_map(|name| Some(Properties::Parameter(name))),
    ]
}

fn filter(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Option<Box<Expr>>> {
    prop_oneof![4 => Just(None), 1 => inner.prop_map(|filter| Some(Box::new(filter)))]
}

fn node(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = NodePattern> {
    (option::of(name()), option::of(labels()), properties(inner.clone()), filter(inner)).prop_map(
        |(variable, labels, properties, filter)| NodePattern {
            variable,
            labels,
            properties,
            filter,
            span: Span::default(),
        },
    )
}

fn length() -> impl Strategy<Value = Option<Length>> {
    let length = (option::of(0..9_u64), option::of(0..9_u64))
        .prop_map(|(min, max)| Some(Length { min, max, span: Span::default() }));
    prop_oneof![3 => Just(None), 1 => length]
}

fn quantifier() -> impl Strategy<Value = Option<Quantifier>> {
    let quantifier =
        (0..4_u64, option::of(0..4_u64)).prop_map(|(min, max)| Some(Quantifier { min, max, span: Span::default() }));
    prop_oneof![3 => Just(None), 1 => quantifier]
}

fn edge(
    inner: BoxedStrategy<Expr>,
    quantifier: BoxedStrategy<Option<Quantifier>>,
) -> impl Strategy<Value = EdgePattern> {
    use Direction::*;
    let direction = prop::sample::select(vec![Right, Left, Either, Both]);
    let filler = (option::of(name()), option::of(labels()), length());
    (filler, direction, properties(inner.clone()), filter(inner), quantifier).prop_map(
        |((variable, types, length), direction, properties, filter, quantifier)| EdgePattern {
            variable,
            types,
            length,
            direction,
            properties,
            filter,
            quantifier,
            span: Span::default(),
        },
    )
}

fn path(elements: Vec<PathElement>) -> Path {
    Path { variable: None, shortest: None, selector: None, mode: None, elements, span: Span::default() }
}

/// Paths as they stand in expressions: at least one relationship.
pub fn plain_path_of(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Path> {
    let hop = (edge(inner.clone(), quantifier().boxed()), node(inner.clone()));
    (node(inner), vec(hop, 1..3)).prop_map(|(start, hops)| path(elements(start, hops)))
}

fn elements(start: NodePattern, hops: Vec<(EdgePattern, NodePattern)>) -> Vec<PathElement> {
    let hops = hops.into_iter().flat_map(|(edge, node)| [PathElement::Edge(edge), PathElement::Node(node)]);
    [PathElement::Node(start)].into_iter().chain(hops).collect()
}

fn mode() -> impl Strategy<Value = Option<PathMode>> {
    use PathMode::*;
    prop_oneof![4 => Just(None), 1 => prop::sample::select(vec![Walk, Trail, Acyclic, Simple]).prop_map(Some)]
}

fn selector() -> impl Strategy<Value = Option<Selector>> {
    let count = || option::of(0..9_u64);
    prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(vec![Selector::All, Selector::AnyShortest, Selector::AllShortest]).prop_map(Some),
        1 => count().prop_map(|count| Some(Selector::Any(count))),
        1 => count().prop_map(|count| Some(Selector::Shortest(count))),
        1 => count().prop_map(|count| Some(Selector::ShortestGroups(count))),
    ]
}

fn group(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Group> {
    let hop = (edge(inner.clone(), quantifier().boxed()), node(inner.clone()));
    let inside = (node(inner.clone()), vec(hop, 0..2)).prop_map(|(start, hops)| path(elements(start, hops)));
    (inside, option::of(name()), mode(), filter(inner), quantifier()).prop_map(
        |(inside, variable, mode, filter, quantifier)| Group {
            path: Box::new(Path { variable, mode, ..inside }),
            filter,
            quantifier,
            span: Span::default(),
        },
    )
}

/// Paths as they stand in MATCH.
pub fn path_of(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = Path> {
    let hop = (edge(inner.clone(), quantifier().boxed()), node(inner.clone()));
    let chain = (node(inner.clone()), vec(hop, 0..3)).prop_map(|(start, hops)| elements(start, hops));
    let grouped = (option::of(node(inner.clone())), vec(group(inner.clone()), 1..3), option::of(node(inner.clone())))
        .prop_map(|(before, groups, behind)| {
            let groups = groups.into_iter().map(PathElement::Group);
            let before = before.into_iter().map(PathElement::Node);
            before.chain(groups).chain(behind.into_iter().map(PathElement::Node)).collect::<Vec<_>>()
        });
    let elements = prop_oneof![4 => chain, 1 => grouped];
    let shortest = (option::of(name()), prop::sample::select(vec![Shortest::One, Shortest::All]), plain_path_of(inner))
        .prop_map(|(variable, shortest, mut path)| {
            path.elements.truncate(3);
            Path { variable, shortest: Some(shortest), ..path }
        });
    let whole = (option::of(name()), selector(), mode(), elements)
        .prop_map(|(variable, selector, mode, elements)| Path { variable, selector, mode, ..path(elements) });
    prop_oneof![6 => whole, 1 => shortest]
}
