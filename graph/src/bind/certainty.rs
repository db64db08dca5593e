//! How sure nodes and relationships are, as columns say it.

use datafusion::logical_expr::Expr;
use worldstore_cypher::ast::{self, ExprKind};
use worldstore_cypher::{Diagnostic, Span};

use super::expr::{Lower, Names};
use super::join::column;
use super::{mistake, unsupported};
use crate::tier;

impl Lower<'_> {
    /// `tier(…)` and `confidence(…)` of nodes and relationships.
    pub(super) fn certainty(
        &self,
        function: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Result<Option<Expr>, Diagnostic> {
        let column_name = match function.to_lowercase().as_str() {
            "tier" => tier::TIER,
            "confidence" => tier::CONFIDENCE,
            _ => return Ok(None),
        };
        let Names::Variables(scope) = self.names else { return Ok(None) };
        let mut columns = Vec::new();
        for argument in arguments {
            let ExprKind::Variable(name) = &argument.kind else {
                return Err(unsupported(argument.span, format!("`{function}` of anything but a variable")));
            };
            match (scope.node(name), scope.edge(name)) {
                (None, None) => return self.variable(name, argument.span).map(Some),
                (None, Some(edge)) if !edge.has_properties && edge.edge_type.is_none() => {
                    return Err(unsupported(argument.span, "a relationship that may be of several types"));
                }
                _ => {}
            }
            if self.properties(name).any(|property| property == column_name) {
                columns.push(column(name, column_name));
            }
        }
        let value = match (arguments.is_empty(), column_name) {
            (true, _) => return Err(mistake(span, format!("`{function}` takes nodes and relationships"))),
            (false, tier::TIER) => tier::tier_of_columns(columns),
            (false, _) => tier::confidence_of_columns(columns),
        };
        value.map(Some).map_err(|error| mistake(span, error.to_string()))
    }
}
