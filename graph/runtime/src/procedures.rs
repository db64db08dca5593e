//! Procedures: what `CALL` may call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::value::Value;

/// The rows of a procedure: a value for each output.
pub type ProcedureRows<'p> = Box<dyn Iterator<Item = Result<Vec<Value>>> + 'p>;

/// Something that gives rows when it is called.
pub trait Procedure: fmt::Debug + Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// Its rows for these arguments, of which there are as many as inputs, of their types.
    ///
    /// # Errors
    /// Whatever is wrong with the values of the arguments.
    fn call<'p>(&'p self, arguments: &[Value]) -> Result<ProcedureRows<'p>>;
}

/// What a procedure takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Namespaces and name, with dots between them.
    pub name: String,
    /// What it takes.
    pub inputs: Vec<Field>,
    /// What it gives; nothing if it is called for each row and changes none.
    pub outputs: Vec<Field>,
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: FieldType,
    /// Whether it may be null.
    pub is_nullable: bool,
}

/// The types of inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// Anything.
    Any,
    /// A boolean.
    Boolean,
    /// An integer.
    Integer,
    /// A float; integers are taken as floats.
    Float,
    /// An integer or a float.
    Number,
    /// A text.
    String,
    /// A map.
    Map,
    /// A list.
    List,
    /// A node.
    Node,
    /// A relationship.
    Relationship,
    /// A path.
    Path,
}

impl Field {
    /// The value as an argument of this type; none if it is of another type.
    pub fn accept(&self, value: Value) -> Option<Value> {
        match (self.kind, value) {
            (_, Value::Null) => self.is_nullable.then_some(Value::Null),
            (FieldType::Float, Value::Int(int)) => Some(Value::Float(int as f64)),
            (FieldType::Any, value)
            | (FieldType::Boolean, value @ Value::Bool(_))
            | (FieldType::Integer | FieldType::Number, value @ Value::Int(_))
            | (FieldType::Float | FieldType::Number, value @ Value::Float(_))
            | (FieldType::String, value @ Value::Text(_))
            | (FieldType::Map, value @ Value::Map(_))
            | (FieldType::List, value @ Value::List(_))
            | (FieldType::Node, value @ Value::Node(_))
            | (FieldType::Relationship, value @ Value::Relationship(_))
            | (FieldType::Path, value @ Value::Path(_)) => Some(value),
            _ => None,
        }
    }
}

/// The procedures that a query may call; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Procedures(BTreeMap<String, Arc<dyn Procedure>>);

impl Procedures {
    /// Adds one, in place of another of the same name.
    #[must_use]
    pub fn with(mut self, procedure: Arc<dyn Procedure>) -> Self {
        self.0.insert(procedure.signature().name.clone(), procedure);
        self
    }

    /// The procedure of this name, namespaces included.
    pub fn get(&self, name: &str) -> Option<&dyn Procedure> {
        self.0.get(name).map(|procedure| &**procedure)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
