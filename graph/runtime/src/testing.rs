//! What unit tests share: expressions from text, evaluated without a graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_cypher::ast::Expr;
use worldstore_cypher::parse_expression;

use crate::error::{Result, RuntimeError};
use crate::eval::{Context, Env, Subqueries, eval};
use crate::value::{Map, Node, NodeId, Path, Relationship, RelationshipId, Value};

/// 2023-11-14T22:13:20.5Z.
pub const NOW: i128 = 1_700_000_000_500_000_000;

/// A graph of one node, with the id 1.
#[derive(Debug)]
pub struct OneNode;

impl Subqueries for OneNode {
    fn evaluate(&self, _: &Expr, _: &Env<'_>) -> Result<Value> {
        Err(RuntimeError::unsupported("there is no graph"))
    }

    fn node(&self, id: NodeId) -> Result<Option<Arc<Node>>> {
        Ok((id == NodeId(1)).then(|| node(1, &["Person"], &[])))
    }

    fn proceed(&self) -> Result<()> {
        Ok(())
    }
}

/// A map of these entries.
pub fn map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
}

/// A node.
pub fn node(id: u64, labels: &[&str], properties: &[(&str, Value)]) -> Arc<Node> {
    let labels = labels.iter().map(|label| Arc::from(*label)).collect();
    Arc::new(Node { id: NodeId(id), labels, properties: map(properties), deleted: false })
}

/// A relationship of the type `KNOWS`.
pub fn relationship(id: u64, start: u64, end: u64, properties: &[(&str, Value)]) -> Arc<Relationship> {
    let (start, end) = (NodeId(start), NodeId(end));
    let (id, kind) = (RelationshipId(id), Arc::from("KNOWS"));
    Arc::new(Relationship { id, kind, start, end, properties: map(properties), deleted: false })
}

/// The variables of all tests: `n`, `r`, `p`, `gone`, `x` (null).
fn variables() -> (Vec<String>, Vec<Value>) {
    let (first, second) = (node(1, &["Person", "Admin"], &[("name", "Ann".into())]), node(2, &[], &[]));
    let hop = relationship(7, 1, 2, &[("since", Value::Int(2001))]);
    let mut gone = (*second).clone();
    gone.deleted = true;
    let path = Path { nodes: vec![Arc::clone(&first), second], relationships: vec![Arc::clone(&hop)] };
    let values = vec![first.into(), hop.into(), path.into(), Arc::new(gone).into(), Value::Null];
    (["n", "r", "p", "gone", "x"].map(str::to_owned).to_vec(), values)
}

/// Gives `visit` the variables of all tests, where values may take `limit` bytes.
pub fn with_env<T>(limit: u64, visit: impl FnOnce(&Env<'_>) -> T) -> T {
    let parameters = BTreeMap::from([("one".to_owned(), Value::Int(1))]);
    let context = Context::new(&parameters, &OneNode, NOW, 42).with_value_bytes_max(limit);
    let (names, values) = variables();
    visit(&Env::row(&names, &values, &context))
}

/// The value of an expression where values may take `limit` bytes.
pub fn limited(text: &str, limit: u64) -> Result<Value> {
    let expr = parse_expression(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
    with_env(limit, |env| eval(&expr, env))
}

/// The value of an expression.
pub fn value(text: &str) -> Value {
    limited(text, 1 << 24).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The class and detail of the mistake in an expression.
pub fn mistake(text: &str) -> String {
    match limited(text, 1 << 24) {
        Ok(value) => panic!("{text} is {value}"),
        Err(error) => format!("{} {}", error.class(), error.detail()),
    }
}

/// Each line is an expression and its value, with `=>` between them.
pub fn all_are(lines: &str) {
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (text, wanted) = line.split_once("=>").unwrap_or_else(|| panic!("no `=>` in {line}"));
        assert_eq!(value(text.trim()).to_string(), wanted.trim(), "{text}");
    }
}

/// Each line is an expression and the class and detail of its mistake, with `=>` between them.
pub fn all_fail(lines: &str) {
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (text, wanted) = line.split_once("=>").unwrap_or_else(|| panic!("no `=>` in {line}"));
        assert_eq!(mistake(text.trim()), wanted.trim(), "{text}");
    }
}
