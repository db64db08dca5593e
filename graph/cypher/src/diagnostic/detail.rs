//! The classes of mistakes, as the openCypher TCK names them.

use std::fmt;

macro_rules! details {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a mistake is, by the name that the openCypher TCK has for it. All of these are found before anything runs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Detail {
            $($(#[$doc])* $name,)*
        }

        impl Detail {
            /// The name, such as `UndefinedVariable`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

details! {
    /// An expression mixes an aggregate with something that is neither grouped by nor constant.
    AmbiguousAggregationExpression,
    /// Two columns have one name.
    ColumnNameConflict,
    /// A relationship of variable length cannot be created.
    CreatingVarLength,
    /// Both sides of a `UNION` need the same columns.
    DifferentColumnsInUnion,
    /// A float literal is too large.
    FloatingPointOverflow,
    /// An integer literal is out of range.
    IntegerOverflow,
    /// An aggregate stands where rows are not grouped.
    InvalidAggregation,
    /// A procedure in a query takes its arguments in brackets.
    InvalidArgumentPassingMode,
    /// A value has a type that does not fit.
    InvalidArgumentType,
    /// Clauses do not fit together.
    InvalidClauseComposition,
    /// This cannot be deleted.
    InvalidDelete,
    /// A number literal is malformed.
    InvalidNumberLiteral,
    /// A function takes another number of arguments.
    InvalidNumberOfArguments,
    /// A parameter stands where none can.
    InvalidParameterUse,
    /// A relationship is written wrongly.
    InvalidRelationshipPattern,
    /// A character that no query has.
    InvalidUnicodeCharacter,
    /// A `\u` escape is malformed.
    InvalidUnicodeLiteral,
    /// A negative number where none can be.
    NegativeIntegerArgument,
    /// An aggregate stands within another.
    NestedAggregation,
    /// An expression in `WITH` needs a name.
    NoExpressionAlias,
    /// A relationship that is created has exactly one type.
    NoSingleRelationshipType,
    /// `*` where there are no variables.
    NoVariablesInScope,
    /// A value must not depend on rows or chance.
    NonConstantExpression,
    /// A relationship stands twice in a pattern.
    RelationshipUniquenessViolation,
    /// A relationship that is created has a direction.
    RequiresDirectedRelationship,
    /// A variable is not known.
    UndefinedVariable,
    /// The text is no statement.
    UnexpectedSyntax,
    /// A function is not known.
    UnknownFunction,
    /// A variable is bound already.
    VariableAlreadyBound,
    /// A variable is something else already.
    VariableTypeConflict,
}

impl fmt::Display for Detail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
