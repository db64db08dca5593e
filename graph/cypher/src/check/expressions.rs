//! Expressions: variables, aggregates, and types that cannot fit.

use super::functions::{self, is_aggregate, is_random};
use super::scope::Scope;
use super::types::{Type, arithmetic};
use super::{Checker, Place};
use crate::ast::{BinaryOp, Comprehension, Expr, ExprKind, MapItem, Name, SubqueryKind, UnaryOp};
use crate::diagnostic::{Detail, Diagnostic, MistakeClass};
use crate::span::Span;
use crate::suggest::closest;

/// Whether aggregates may stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregates {
    /// In a column.
    Allowed,
    /// Where rows are not grouped.
    Refused,
    /// Within another one.
    Inside,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub scope: &'a Scope,
    pub aggregates: Aggregates,
    /// True where a pattern may stand as a condition.
    pub is_condition: bool,
}

impl<'a> Context<'a> {
    /// A place without aggregates.
    pub(super) fn plain(scope: &'a Scope) -> Self {
        Self { scope, aggregates: Aggregates::Refused, is_condition: false }
    }

    fn condition(self) -> Self {
        Self { is_condition: true, ..self }
    }

    fn value(self) -> Self {
        Self { is_condition: false, ..self }
    }

    /// Within a comprehension, where rows are not grouped either.
    fn within(self, scope: &'a Scope) -> Self {
        let aggregates = match self.aggregates {
            Aggregates::Inside => Aggregates::Inside,
            Aggregates::Allowed | Aggregates::Refused => Aggregates::Refused,
        };
        Self { scope, aggregates, is_condition: false }
    }
}

impl Checker {
    /// What stands behind WHERE.
    pub(super) fn condition(&mut self, filter: Option<&Expr>, scope: &Scope) {
        if let Some(filter) = filter {
            self.boolean(filter, Context::plain(scope));
        }
    }

    fn boolean(&mut self, expr: &Expr, context: Context<'_>) {
        let is = self.expr(expr, context.condition());
        if !is.is_open() && is != Type::Bool {
            self.wrong_type(expr.span, "a boolean", &is);
        }
    }

    fn wrong_type(&mut self, span: Span, expected: &str, found: &Type) {
        let message = format!("expected {expected}, found {}", found.name());
        self.mistake(Detail::InvalidArgumentType, message, span);
    }

    /// An expression; tells its type.
    pub(super) fn expr(&mut self, expr: &Expr, context: Context<'_>) -> Type {
        let value = context.value();
        match &expr.kind {
            ExprKind::Literal(literal) => Type::of(literal),
            ExprKind::Parameter(_) => Type::Any,
            ExprKind::Variable(name) => self.variable(name, expr.span, context.scope),
            ExprKind::Property(of, _) => self.property(of, value),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand, context),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, context),
            ExprKind::IsNull(of) | ExprKind::IsNotNull(of) | ExprKind::HasLabels(of, _) => {
                self.expr(of, value);
                Type::Bool
            }
            ExprKind::Comparisons(first, others) => {
                self.expr(first, value);
                others.iter().for_each(|(_, other)| _ = self.expr(other, value));
                Type::Bool
            }
            ExprKind::List(parts) => {
                let elements = parts.iter().map(|part| self.expr(part, value));
                Type::list(elements.reduce(Type::join).unwrap_or(Type::Any))
            }
            ExprKind::Map(entries) => {
                entries.iter().for_each(|(_, entry)| _ = self.expr(entry, value));
                Type::Map
            }
            ExprKind::MapProjection(name, items) => self.map_projection(name, items, value),
            ExprKind::Index(of, index) => self.index(of, index, value),
            ExprKind::Slice(of, from, to) => {
                let list = self.expr(of, value);
                from.iter().chain(to).for_each(|bound| _ = self.expr(bound, value));
                list
            }
            ExprKind::Call { namespace, function, arguments, .. } => {
                self.call(namespace.is_empty(), function, arguments, expr.span, value)
            }
            ExprKind::CountAll => {
                self.aggregate(expr.span, context);
                Type::Int
            }
            ExprKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), value)
            }
            _ => self.binding(expr, context),
        }
    }

    /// Expressions that bind variables or hold patterns.
    fn binding(&mut self, expr: &Expr, context: Context<'_>) -> Type {
        match &expr.kind {
            ExprKind::ListComprehension(comprehension) => self.list_comprehension(comprehension, context),
            ExprKind::Quantified(_, comprehension) => {
                self.list_comprehension(comprehension, context);
                Type::Bool
            }
            ExprKind::PatternComprehension { pattern, filter, value } => {
                let mut scope = context.scope.clone();
                self.match_patterns([&**pattern], &mut scope);
                let within = context.within(&scope);
                if let Some(filter) = filter {
                    self.boolean(filter, within);
                }
                Type::list(self.expr(value, within))
            }
            ExprKind::Reduce(reduce) => {
                let start = self.expr(&reduce.start, context.value());
                let list = self.expr(&reduce.list, context.value());
                let scope = context.scope.with(&reduce.result.text, Type::Any);
                let scope = scope.with(&reduce.variable.text, list.element());
                let value = self.expr(&reduce.value, context.within(&scope));
                start.join(value)
            }
            ExprKind::Pattern(path) => {
                self.bound_pattern(path, context.scope);
                match path.shortest {
                    Some(_) => Type::Any,
                    None => {
                        if !context.is_condition {
                            let message = "a pattern is a condition, and no value";
                            let help = "write `[pattern | value]` for a list, `EXISTS { pattern }` for a boolean";
                            self.mistake_but(Detail::UnexpectedSyntax, message, expr.span, help);
                        }
                        Type::Bool
                    }
                }
            }
            ExprKind::Subquery(kind, query) => {
                self.query(query, context.scope, Place::Subquery);
                match kind {
                    SubqueryKind::Exists => Type::Bool,
                    SubqueryKind::Count => Type::Int,
                    SubqueryKind::Collect => Type::list(Type::Any),
                }
            }
            _ => Type::Any,
        }
    }

    pub(super) fn variable(&mut self, name: &str, span: Span, scope: &Scope) -> Type {
        match scope.get(name) {
            Some(is) => is.clone(),
            None => {
                let message = format!("unknown variable `{name}`");
                match closest(name, scope.names()) {
                    Some(near) => {
                        let help = format!("did you mean `{near}`?");
                        self.mistake_but(Detail::UndefinedVariable, message, span, help);
                    }
                    None => self.mistake(Detail::UndefinedVariable, message, span),
                }
                Type::Any
            }
        }
    }

    fn property(&mut self, of: &Expr, context: Context<'_>) -> Type {
        let is = self.expr(of, context);
        const WANTED: &str = "a node, a relationship or a map";
        if is == Type::Path {
            self.wrong_type(of.span, WANTED, &is);
        } else if is.is_plain() || is.is_list() {
            // The openCypher TCK has another class for a value than for a path.
            let mistake = Diagnostic::semantic(format!("expected {WANTED}, found {}", is.name()), of.span);
            let mistake = mistake.with_detail(Detail::InvalidArgumentType);
            self.wrong.push(mistake.with_class(MistakeClass::TypeError));
        }
        Type::Any
    }

    fn index(&mut self, of: &Expr, index: &Expr, context: Context<'_>) -> Type {
        let is = self.expr(of, context);
        let by = self.expr(index, context);
        match is {
            Type::List(element) => {
                if !by.is_open() && by != Type::Int {
                    self.wrong_type(index.span, "an integer", &by);
                }
                *element
            }
            plain if plain.is_plain() => {
                self.wrong_type(of.span, "a list or a map", &plain);
                Type::Any
            }
            _ => Type::Any,
        }
    }

    fn map_projection(&mut self, name: &Name, items: &[MapItem], context: Context<'_>) -> Type {
        self.variable(&name.text, name.span, context.scope);
        for item in items {
            match item {
                MapItem::Field(_, value) => _ = self.expr(value, context),
                MapItem::Variable(name) => _ = self.variable(&name.text, name.span, context.scope),
                MapItem::Property(_) | MapItem::All => {}
            }
        }
        Type::Map
    }

    fn unary(&mut self, operator: UnaryOp, operand: &Expr, context: Context<'_>) -> Type {
        match operator {
            UnaryOp::Not => {
                self.boolean(operand, context);
                Type::Bool
            }
            UnaryOp::Minus | UnaryOp::Plus => {
                let is = self.expr(operand, context.value());
                if matches!(is, Type::Bool | Type::Text | Type::Node | Type::Edge | Type::Path | Type::List(_)) {
                    self.wrong_type(operand.span, "a number", &is);
                }
                is
            }
        }
    }

    fn binary(&mut self, operator: BinaryOp, left: &Expr, right: &Expr, context: Context<'_>) -> Type {
        if let BinaryOp::And | BinaryOp::Or | BinaryOp::Xor = operator {
            self.boolean(left, context);
            self.boolean(right, context);
            return Type::Bool;
        }
        let one = self.expr(left, context.value());
        let other = self.expr(right, context.value());
        match operator {
            BinaryOp::In => {
                if !other.is_open() && !other.is_list() {
                    self.wrong_type(right.span, "a list", &other);
                }
                Type::Bool
            }
            BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo | BinaryOp::Power => {
                for (expr, is) in [(left, &one), (right, &other)] {
                    let is_none = matches!(is, Type::Bool | Type::Text | Type::Node | Type::Edge | Type::Path);
                    if is_none || is.is_list() {
                        self.wrong_type(expr.span, "a number", is);
                    }
                }
                arithmetic(operator, &one, &other)
            }
            BinaryOp::Add | BinaryOp::Concat => arithmetic(BinaryOp::Add, &one, &other),
            _ => Type::Bool,
        }
    }

    fn call(&mut self, is_plain: bool, function: &Name, arguments: &[Expr], span: Span, context: Context<'_>) -> Type {
        let name = function.text.to_lowercase();
        let is_aggregate = is_plain && is_aggregate(&name);
        if is_plain && !functions::is_known(&name) {
            let message = format!("unknown function `{}`", function.text);
            match closest(&name, functions::known()) {
                Some(near) => {
                    let help = format!("did you mean `{near}`?");
                    self.mistake_but(Detail::UnknownFunction, message, function.span, help);
                }
                None => self.mistake(Detail::UnknownFunction, message, function.span),
            }
        }
        let mut inner = context;
        if is_aggregate {
            self.aggregate(span, context);
            inner.aggregates = Aggregates::Inside;
            self.refuse_chance(arguments);
        }
        inner.is_condition = name == "exists";
        let types: Vec<Type> = arguments.iter().map(|argument| self.expr(argument, inner)).collect();
        if !is_plain {
            return Type::Any;
        }
        if let (Some(first), Some(is)) = (arguments.first(), types.first())
            && functions::refuses(&name, is)
        {
            let message = format!("`{}` does not take {}", function.text, is.name());
            self.mistake(Detail::InvalidArgumentType, message, first.span);
        }
        functions::result(&name, &types)
    }

    fn aggregate(&mut self, span: Span, context: Context<'_>) {
        match context.aggregates {
            Aggregates::Allowed => {}
            Aggregates::Refused => {
                let help = "compute it in WITH or RETURN";
                self.mistake_but(Detail::InvalidAggregation, "an aggregate cannot stand here", span, help);
            }
            Aggregates::Inside => {
                self.mistake(Detail::NestedAggregation, "an aggregate cannot stand in another", span);
            }
        }
    }

    /// What is aggregated must not depend on chance.
    fn refuse_chance(&mut self, arguments: &[Expr]) {
        let is_chance = |part: &Expr| match &part.kind {
            ExprKind::Call { namespace, function, .. } => namespace.is_empty() && is_random(&function.text),
            _ => false,
        };
        for argument in arguments {
            if argument.any_part(&mut |part| is_chance(part)) {
                let message = "what is aggregated must not depend on chance";
                self.mistake(Detail::NonConstantExpression, message, argument.span);
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Vec<Expr>, Expr)],
        otherwise: Option<&Expr>,
        context: Context<'_>,
    ) -> Type {
        if let Some(operand) = operand {
            self.expr(operand, context);
        }
        let mut is = Type::Null;
        for (when, then) in branches {
            for when in when {
                match operand {
                    Some(_) => _ = self.expr(when, context),
                    None => self.boolean(when, context),
                }
            }
            is = is.join(self.expr(then, context));
        }
        otherwise.map_or(is.clone(), |otherwise| is.join(self.expr(otherwise, context)))
    }

    fn list_comprehension(&mut self, comprehension: &Comprehension, context: Context<'_>) -> Type {
        let list = self.expr(&comprehension.list, context.value());
        if !list.is_open() && !list.is_list() {
            self.wrong_type(comprehension.list.span, "a list", &list);
        }
        let scope = context.scope.with(&comprehension.variable.text, list.element());
        let within = context.within(&scope);
        if let Some(filter) = &comprehension.filter {
            self.boolean(filter, within);
        }
        match &comprehension.value {
            Some(value) => Type::list(self.expr(value, within)),
            None => list,
        }
    }
}
