//! The graph while it is being built, and the checks on it.

use std::collections::HashSet;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::{Node, Operator, When};
use crate::batch::Codec;
use crate::table::Table;

/// The longest name of an operator, in bytes.
const NAME_BYTES_MAX: usize = 48;

/// What kind of operator it is, with the numbers that it was given (a count, the size of a window): with other numbers its
/// state, and that of those behind it, would be another one.
pub(crate) struct Kind {
    name: &'static str,
    numbers: Vec<i64>,
}

impl Kind {
    /// A kind with numbers.
    pub(crate) fn with(name: &'static str, numbers: &[i64]) -> Self {
        Self { name, numbers: numbers.to_vec() }
    }
}

impl From<&'static str> for Kind {
    fn from(name: &'static str) -> Self {
        Self::with(name, &[])
    }
}

/// What an operator is, before it has a place.
pub(crate) struct Spec<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) inputs: Vec<usize>,
    /// The shape of its rows, as text.
    pub(crate) row: String,
    pub(crate) codec: Codec,
    pub(crate) when: When,
}

/// Operators in the order in which they can run, and the first mistake.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    names: HashSet<String>,
    mistake: Option<Error>,
}

impl Plan {
    /// Adds an operator with its tables; `make` gets the tables as they will be in the store.
    pub(crate) fn add<O: Operator + 'static, const N: usize>(
        &mut self,
        spec: Spec<'_>,
        tables: [Table; N],
        make: impl FnOnce([Arc<Table>; N]) -> O,
    ) -> usize {
        let id = self.nodes.len();
        if let Err(error) = self.claim(spec.name) {
            self.note(error);
            return id;
        }
        let lineage = self.lineage(&spec);
        let mut failed = None;
        let tables = tables.map(|table| match table.clone().owned_by(spec.name, spec.kind.name, lineage) {
            Ok(table) => Arc::new(table),
            Err(error) => {
                failed = Some(error);
                Arc::new(table)
            }
        });
        if let Some(error) = failed {
            self.note(error);
        }
        let operator = Box::new(make(tables.clone()));
        let Spec { name, kind, inputs, row, codec, when } = spec;
        let kind = kind.name;
        let (name, tables, inside) = (name.to_owned(), tables.to_vec(), Vec::new());
        self.nodes.push(Node { name, kind, inputs, tables, row, codec, when, operator, lineage, inside });
        id
    }

    /// Adds an operator that has others inside, with the tables of all of them.
    pub(crate) fn add_composed(
        &mut self,
        spec: Spec<'_>,
        tables: Vec<Arc<Table>>,
        inside: Vec<(String, &'static str, Vec<String>)>,
        operator: Box<dyn Operator>,
    ) -> usize {
        let id = self.nodes.len();
        let lineage = self.lineage(&spec);
        let Spec { name, kind, inputs, row, codec, when } = spec;
        let kind = kind.name;
        let name = name.to_owned();
        self.nodes.push(Node { name, kind, inputs, tables, row, codec, when, operator, lineage, inside });
        id
    }

    /// Takes a name for an operator.
    pub(crate) fn claim(&mut self, name: &str) -> Result<()> {
        let error = if name.is_empty() {
            Error::invalid("an operator has no name")
        } else if name.len() > NAME_BYTES_MAX {
            Error::invalid("the name of an operator is longer than 48 bytes")
        } else if !is_plain(name) {
            Error::invalid("a name begins with a letter and has lower-case letters, digits and single underscores")
        } else if !self.names.insert(name.to_owned()) {
            Error::invalid("two operators have the same name")
        } else {
            return Ok(());
        };
        Err(error.with("operator", name))
    }

    /// Notes a mistake; the first one is reported.
    pub(crate) fn note(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }

    /// Ends the building.
    pub(crate) fn finish(self) -> Result<Vec<Node>> {
        match self.mistake {
            Some(error) => Err(error.during("build a circuit")),
            None => Ok(self.nodes),
        }
    }

    fn lineage(&self, spec: &Spec<'_>) -> u64 {
        let mut hash = Hash::new();
        [spec.name, spec.kind.name, &spec.row].iter().for_each(|text| hash.text(text));
        spec.kind.numbers.iter().for_each(|number| hash.bytes(&number.to_be_bytes()));
        for id in &spec.inputs {
            hash.bytes(&self.nodes.get(*id).map_or(0, |node| node.lineage).to_be_bytes());
        }
        hash.0
    }
}

fn is_plain(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    plain && name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.contains("__") && !name.ends_with('_')
}

/// FNV-1a, which is the same in every build and on every machine.
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The text and its end.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xff]);
    }
}
