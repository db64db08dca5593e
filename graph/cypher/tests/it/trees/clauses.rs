//! Random queries.

use super::patterns::{labels, path_of};
use super::*;

fn path() -> BoxedStrategy<Path> {
    path_of(expr().boxed()).boxed()
}

/// Paths that could be created, as far as the grammar tells.
fn made() -> BoxedStrategy<Path> {
    let plain = path_of(expr().boxed()).prop_filter("a shortest path is sought", |path| path.shortest.is_none());
    plain.prop_map(|path| Path { selector: None, mode: None, ..path }).boxed()
}

fn filter() -> impl Strategy<Value = Option<Expr>> {
    option::of(expr())
}

fn projection() -> BoxedStrategy<Projection> {
    let item = (expr(), option::of(text_of_name())).prop_map(|(value, alias)| ReturnItem {
        value,
        is_aliased: alias.is_some(),
        name: alias.unwrap_or_default(),
    });
    let nulls = option::of(prop::sample::select(vec![Nulls::First, Nulls::Last]));
    let order =
        (expr(), any::<bool>(), nulls).prop_map(|(value, descending, nulls)| OrderItem { value, descending, nulls });
    (any::<(bool, bool)>(), vec(item, 0..3), vec(order, 0..3), filter(), filter())
        .prop_map(|((distinct, star), items, order_by, skip, limit)| {
            let star = star || items.is_empty();
            Projection { distinct, star, items, order_by, skip, limit }
        })
        .boxed()
}

fn call() -> BoxedStrategy<ClauseKind> {
    let item = (name(), option::of(name())).prop_map(|(result, alias)| YieldItem { result, alias });
    let yields = (any::<bool>(), vec(item, 0..3), filter()).prop_map(|(star, items, filter)| Yield {
        star,
        items: if star { Vec::new() } else { items },
        filter,
        span: Span::default(),
    });
    (vec(name(), 1..3), option::of(vec(expr(), 0..3)), option::of(yields))
        .prop_map(|(procedure, arguments, yields)| ClauseKind::Call(Call { procedure, arguments, yields }))
        .boxed()
}

fn plain_labels() -> impl Strategy<Value = LabelExpr> {
    labels().prop_filter("labels that are set are names", |labels| labels.all_of().is_some())
}

fn set_item() -> BoxedStrategy<SetItem> {
    let target = || (expr(), name()).prop_map(|(of, name)| bare(ExprKind::Property(Box::new(of), name)));
    prop_oneof![
        (target(), expr()).prop_map(|(target, value)| SetItem::Property { target, value }),
        (name(), expr()).prop_map(|(variable, value)| SetItem::Replace { variable, value }),
        (name(), expr()).prop_map(|(variable, value)| SetItem::Merge { variable, value }),
        (name(), plain_labels()).prop_map(|(variable, labels)| SetItem::Labels { variable, labels }),
    ]
    .boxed()
}

fn update() -> BoxedStrategy<ClauseKind> {
    let action = (any::<bool>(), vec(set_item(), 1..3)).prop_map(|(is_create, items)| MergeAction {
        when: if is_create { MergeWhen::Create } else { MergeWhen::Match },
        items,
    });
    let target = (expr(), name()).prop_map(|(of, name)| bare(ExprKind::Property(Box::new(of), name)));
    let remove = prop_oneof![
        target.prop_map(RemoveItem::Property),
        (name(), plain_labels()).prop_map(|(variable, labels)| RemoveItem::Labels { variable, labels }),
    ];
    prop_oneof![
        vec(made(), 1..3).prop_map(|patterns| ClauseKind::Create(Create { patterns })),
        (made(), vec(action, 0..3)).prop_map(|(pattern, actions)| ClauseKind::Merge(Merge { pattern, actions })),
        vec(set_item(), 1..3).prop_map(ClauseKind::Set),
        vec(remove, 1..3).prop_map(ClauseKind::Remove),
        (any::<bool>(), vec(expr(), 1..3)).prop_map(|(detach, values)| ClauseKind::Delete(Delete { detach, values })),
    ]
    .boxed()
}

fn clause() -> BoxedStrategy<ClauseKind> {
    prop_oneof![
        3 => (any::<bool>(), vec(path(), 1..3), filter())
            .prop_map(|(optional, patterns, filter)| ClauseKind::Match(Match { optional, patterns, filter })),
        1 => (expr(), name()).prop_map(|(list, variable)| ClauseKind::Unwind(Unwind { list, variable })),
        1 => (projection(), filter()).prop_map(|(projection, filter)| ClauseKind::With(With { projection, filter })),
        1 => call(),
        1 => vec((name(), expr()), 1..3).prop_map(ClauseKind::Let),
        1 => expr().prop_map(ClauseKind::Filter),
        1 => (name(), expr(), option::of(name()))
            .prop_map(|(variable, list, ordinality)| ClauseKind::For(For { variable, list, ordinality })),
        2 => update(),
    ]
    .boxed()
}

fn single_query() -> BoxedStrategy<SingleQuery> {
    let last = prop_oneof![
        4 => projection().prop_map(ClauseKind::Return),
        1 => Just(ClauseKind::Finish),
        1 => update(),
    ];
    (vec(clause(), 0..3), last)
        .prop_map(|(mut clauses, last)| {
            clauses.push(last);
            let clauses = clauses.into_iter().map(|kind| Clause { kind, span: Span::default() }).collect();
            SingleQuery { clauses, span: Span::default() }
        })
        .boxed()
}

pub fn query() -> BoxedStrategy<Query> {
    use Combinator::*;
    let combinator = prop::sample::select(vec![Union, UnionAll, Except, Intersect, Next]);
    let other = (combinator, single_query()).prop_map(|(combinator, query)| Combination {
        combinator,
        query,
        span: Span::default(),
    });
    let others = prop_oneof![4 => Just(Vec::new()), 1 => vec(other, 1..3)];
    let kind = prop::sample::select(AsOfKind::ALL.to_vec());
    let value = prop_oneof![
        any::<i64>().prop_map(AsOfValue::Int),
        any_text().prop_map(AsOfValue::Text),
        text_of_name().prop_map(AsOfValue::Parameter),
    ];
    let as_of = (kind, value).prop_map(|(kind, value)| AsOf { kind, value, span: Span::default() });
    let as_of = prop_oneof![4 => Just(None), 1 => as_of.prop_map(Some)];
    (as_of, single_query(), others)
        .prop_map(|(as_of, first, others)| Query { as_of, first, others, span: Span::default() })
        .boxed()
}
