//! Patterns: which variables they bind, and what may be created.

use super::Checker;
use super::expressions::Context;
use super::scope::Scope;
use super::types::Type;
use crate::ast::{Direction, EdgePattern, Group, LabelExpr, Name, NodePattern, Path, PathElement, Properties};
use crate::diagnostic::Detail;
use crate::span::Span;

/// Whether a pattern is made new or looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    Create,
    Merge,
}

impl Checker {
    /// Binds the variables of patterns that are looked for together.
    pub(super) fn match_patterns<'a>(&mut self, patterns: impl IntoIterator<Item = &'a Path>, scope: &mut Scope) {
        let patterns: Vec<&Path> = patterns.into_iter().collect();
        let mut edges = Vec::new();
        for path in &patterns {
            self.match_path(path, scope, &mut edges);
        }
        // Conditions may name what is bound further on.
        for path in patterns {
            self.path_values(path, scope);
        }
    }

    fn match_path<'a>(&mut self, path: &'a Path, scope: &mut Scope, edges: &mut Vec<&'a str>) {
        for element in &path.elements {
            match element {
                PathElement::Node(node) => self.bind(node.variable.as_ref(), Type::Node, scope),
                PathElement::Edge(edge) => {
                    let is_list = edge.length.is_some() || edge.quantifier.is_some();
                    let is = if is_list { Type::list(Type::Edge) } else { Type::Edge };
                    if let Some(name) = &edge.variable
                        && !is_list
                    {
                        self.once_in_clause(name, edges);
                    }
                    self.bind(edge.variable.as_ref(), is, scope);
                }
                PathElement::Group(group) => self.match_group(group, scope, edges),
            }
        }
        self.bind_path(path, scope);
    }

    /// Variables of a group that is repeated are lists outside of it.
    fn match_group<'a>(&mut self, group: &'a Group, scope: &mut Scope, edges: &mut Vec<&'a str>) {
        if group.quantifier.is_none() {
            return self.match_path(&group.path, scope, edges);
        }
        let mut inner = Scope::default();
        self.match_path(&group.path, &mut inner, edges);
        for name in inner.names() {
            match scope.get(name) {
                Some(_) => {
                    let message = format!("`{name}` is bound outside of the group that repeats it");
                    self.mistake(Detail::VariableAlreadyBound, message, group.span);
                }
                None => scope.bind(name, Type::list(inner.get(name).cloned().unwrap_or(Type::Any))),
            }
        }
    }

    fn once_in_clause<'a>(&mut self, name: &'a Name, edges: &mut Vec<&'a str>) {
        if edges.contains(&name.text.as_str()) {
            let message = format!("the relationship `{}` stands in this clause already", name.text);
            self.mistake(Detail::RelationshipUniquenessViolation, message, name.span);
        }
        edges.push(&name.text);
    }

    /// Binds a variable of a pattern, or checks that it is bound to such a thing.
    fn bind(&mut self, name: Option<&Name>, is: Type, scope: &mut Scope) {
        let Some(name) = name else { return };
        match scope.get(&name.text) {
            None => scope.bind(&name.text, is),
            Some(known) if known.is_open() || *known == is => {}
            Some(known) if known.is_list() && is.is_list() => {}
            Some(known) => {
                let message = format!("`{}` is {} already, and cannot be {}", name.text, known.name(), is.name());
                self.mistake(Detail::VariableTypeConflict, message, name.span);
            }
        }
    }

    pub(super) fn bind_path(&mut self, path: &Path, scope: &mut Scope) {
        if let Some(variable) = &path.variable {
            self.bind_new(variable, Type::Path, scope);
        }
    }

    /// Binds a variable that may not be bound yet.
    pub(super) fn bind_new(&mut self, name: &Name, is: Type, scope: &mut Scope) {
        if scope.get(&name.text).is_some() {
            self.already_bound(name, name.span);
        }
        scope.bind(&name.text, is);
    }

    pub(super) fn already_bound(&mut self, name: &Name, span: Span) {
        self.mistake(Detail::VariableAlreadyBound, format!("`{}` is bound already", name.text), span);
    }

    /// Properties and conditions in a pattern.
    fn path_values(&mut self, path: &Path, scope: &Scope) {
        for element in &path.elements {
            match element {
                PathElement::Node(node) => {
                    self.match_properties(node.properties.as_ref(), scope);
                    self.condition(node.filter.as_deref(), scope);
                }
                PathElement::Edge(edge) => {
                    self.match_properties(edge.properties.as_ref(), scope);
                    // Within the pattern the variable is one relationship.
                    let inner = edge.variable.as_ref().map(|name| scope.with(&name.text, Type::Edge));
                    self.condition(edge.filter.as_deref(), inner.as_ref().unwrap_or(scope));
                }
                PathElement::Group(group) => {
                    let mut inner = scope.clone();
                    if group.quantifier.is_some() {
                        let mut own = Scope::default();
                        Checker::default().match_path(&group.path, &mut own, &mut Vec::new());
                        inner.extend(&own);
                    }
                    self.path_values(&group.path, &inner);
                    self.condition(group.filter.as_deref(), &inner);
                }
            }
        }
    }

    fn match_properties(&mut self, properties: Option<&Properties>, scope: &Scope) {
        match properties {
            Some(Properties::Parameter(name)) => {
                let message = "a parameter cannot stand for all properties of a pattern that is looked for";
                let help = "write `{name: $value}` for each property";
                self.mistake_but(Detail::InvalidParameterUse, message, name.span, help);
            }
            Some(Properties::Map(entries)) => {
                entries.iter().for_each(|(_, value)| _ = self.expr(value, Context::plain(scope)));
            }
            None => {}
        }
    }

    /// A pattern in an expression: its variables must be bound before.
    pub(super) fn bound_pattern(&mut self, path: &Path, scope: &Scope) {
        for element in &path.elements {
            let (variable, is) = match element {
                PathElement::Node(node) => (node.variable.as_ref(), Type::Node),
                PathElement::Edge(edge) if edge.length.is_some() => (edge.variable.as_ref(), Type::list(Type::Edge)),
                PathElement::Edge(edge) => (edge.variable.as_ref(), Type::Edge),
                PathElement::Group(_) => (None, Type::Any),
            };
            // A shortest path may name what it finds.
            let names_new = path.shortest.is_some() && matches!(element, PathElement::Edge(_));
            if let Some(name) = variable.filter(|name| !names_new || scope.get(&name.text).is_some()) {
                self.variable(&name.text, name.span, scope);
                self.bind(scope.get(&name.text).is_some().then_some(name), is, &mut scope.clone());
            }
        }
        self.path_values(path, scope);
    }

    /// Checks and binds a pattern that is created.
    pub(super) fn make_pattern(&mut self, path: &Path, making: Making, scope: &mut Scope) {
        if path.selector.is_some() || path.mode.is_some() || path.shortest.is_some() {
            let message = "only a plain pattern can be created";
            self.mistake(Detail::UnexpectedSyntax, message, path.span);
        }
        let is_alone = path.elements.len() == 1;
        for element in &path.elements {
            match element {
                PathElement::Node(node) => self.make_node(node, is_alone, making, scope),
                PathElement::Edge(edge) => self.make_edge(edge, making, scope),
                PathElement::Group(group) => {
                    self.mistake(Detail::UnexpectedSyntax, "a group of patterns cannot be created", group.span);
                }
            }
        }
        self.bind_path(path, scope);
    }

    fn make_node(&mut self, node: &NodePattern, is_alone: bool, making: Making, scope: &mut Scope) {
        if let Some(filter) = &node.filter {
            self.mistake(Detail::UnexpectedSyntax, "what is created has no condition", filter.span);
        }
        if let Some(labels) = node.labels.as_ref().filter(|labels| labels.all_of().is_none()) {
            self.mistake(Detail::UnexpectedSyntax, "what is created has labels by name", labels.span);
        }
        if let Some(name) = &node.variable {
            let is_bound = scope.get(&name.text).is_some();
            let is_new = is_alone || node.labels.is_some() || node.properties.is_some();
            match is_bound && is_new {
                true => self.already_bound(name, node.span),
                false => self.bind(Some(name), Type::Node, scope),
            }
        }
        self.made_properties(node.properties.as_ref(), making, scope);
    }

    fn make_edge(&mut self, edge: &EdgePattern, making: Making, scope: &mut Scope) {
        if let Some(name) = edge.variable.as_ref().filter(|name| scope.get(&name.text).is_some()) {
            self.already_bound(name, edge.span);
        } else if edge.length.is_some() || edge.quantifier.is_some() {
            let message = "relationships of variable length cannot be created";
            self.mistake(Detail::CreatingVarLength, message, edge.span);
        } else if edge.types.as_ref().and_then(LabelExpr::single).is_none() {
            let message = "a relationship that is created has exactly one type";
            self.mistake_but(Detail::NoSingleRelationshipType, message, edge.span, "write it as `-[:TYPE]->`");
        } else if making == Making::Create && matches!(edge.direction, Direction::Either | Direction::Both) {
            let message = "a relationship that is created has one direction";
            self.mistake_but(Detail::RequiresDirectedRelationship, message, edge.span, "write it as `-[:TYPE]->`");
        }
        if let Some(filter) = &edge.filter {
            self.mistake(Detail::UnexpectedSyntax, "what is created has no condition", filter.span);
        }
        if let Some(name) = &edge.variable {
            scope.bind(&name.text, Type::Edge);
        }
        self.made_properties(edge.properties.as_ref(), making, scope);
    }

    fn made_properties(&mut self, properties: Option<&Properties>, making: Making, scope: &Scope) {
        match (properties, making) {
            (Some(Properties::Parameter(_)), Making::Create) => {}
            (properties, _) => self.match_properties(properties, scope),
        }
    }
}
