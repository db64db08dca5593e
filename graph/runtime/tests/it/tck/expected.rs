//! Values as the TCK writes them in its tables, and whether a value is what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use worldstore_cypher_runtime::{Map, Node, Relationship, Value};

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Expected>),
    Map(BTreeMap<String, Expected>),
    Node(BTreeSet<String>, BTreeMap<String, Expected>),
    Relationship(String, BTreeMap<String, Expected>),
    /// The first node, and relationships with whether they lead forwards and the next nodes.
    Path(Box<Expected>, Vec<(Expected, bool, Expected)>),
}

/// Whether the order of elements of lists counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    Ordered,
    Unordered,
}

/// Reads a cell.
pub fn read(text: &str) -> Expected {
    let mut reader = Reader { letters: text.chars().collect(), place: 0 };
    let value = reader.value();
    reader.space();
    assert_eq!(reader.place, reader.letters.len(), "the whole cell is read: {text}");
    value
}

struct Reader {
    letters: Vec<char>,
    place: usize,
}

impl Reader {
    fn peek(&self) -> char {
        self.letters.get(self.place).copied().unwrap_or('\0')
    }

    fn space(&mut self) {
        while self.peek().is_whitespace() {
            self.place += 1;
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let found =
            text.chars().enumerate().all(|(place, letter)| self.letters.get(self.place + place) == Some(&letter));
        self.place += if found { text.chars().count() } else { 0 };
        found
    }

    fn expect(&mut self, text: &str) {
        assert!(self.eat(text), "{text} at {} of {}", self.place, self.letters.iter().collect::<String>());
    }

    fn value(&mut self) -> Expected {
        self.space();
        match self.peek() {
            '\'' => Expected::Text(self.text()),
            '[' if self.letters.get(self.place + 1) == Some(&':') => self.relationship(),
            '[' => Expected::List(self.list()),
            '{' => Expected::Map(self.map()),
            '(' => self.node(),
            '<' => self.path(),
            _ => self.word(),
        }
    }

    fn text(&mut self) -> String {
        self.expect("'");
        let mut text = String::new();
        loop {
            match self.peek() {
                '\'' => {
                    self.place += 1;
                    return text;
                }
                '\\' => {
                    self.place += 1;
                    text.push(self.peek());
                }
                '\0' => panic!("a text ends"),
                letter => text.push(letter),
            }
            self.place += 1;
        }
    }

    fn list(&mut self) -> Vec<Expected> {
        self.expect("[");
        let mut items = Vec::new();
        self.space();
        while !self.eat("]") {
            items.push(self.value());
            self.space();
            self.eat(",");
            self.space();
        }
        items
    }

    fn name(&mut self) -> String {
        self.space();
        let mut name = String::new();
        while self.peek().is_alphanumeric() || self.peek() == '_' {
            name.push(self.peek());
            self.place += 1;
        }
        name
    }

    fn map(&mut self) -> BTreeMap<String, Expected> {
        self.expect("{");
        let mut entries = BTreeMap::new();
        self.space();
        while !self.eat("}") {
            let name = self.name();
            self.space();
            self.expect(":");
            entries.insert(name, self.value());
            self.space();
            self.eat(",");
            self.space();
        }
        entries
    }

    fn properties(&mut self) -> BTreeMap<String, Expected> {
        self.space();
        if self.peek() == '{' { self.map() } else { BTreeMap::new() }
    }

    fn node(&mut self) -> Expected {
        self.expect("(");
        let mut labels = BTreeSet::new();
        while self.eat(":") {
            labels.insert(self.name());
        }
        let properties = self.properties();
        self.space();
        self.expect(")");
        Expected::Node(labels, properties)
    }

    fn relationship(&mut self) -> Expected {
        self.expect("[:");
        let kind = self.name();
        let properties = self.properties();
        self.space();
        self.expect("]");
        Expected::Relationship(kind, properties)
    }

    fn path(&mut self) -> Expected {
        self.expect("<");
        let start = self.node();
        let mut steps = Vec::new();
        while !self.eat(">") {
            let is_back = self.eat("<");
            self.expect("-");
            let relationship = self.relationship();
            self.expect("-");
            let is_forward = !is_back && self.eat(">");
            steps.push((relationship, is_forward, self.node()));
        }
        Expected::Path(Box::new(start), steps)
    }

    fn word(&mut self) -> Expected {
        let mut word = String::new();
        while !matches!(self.peek(), ',' | ']' | '}' | ')' | '\0') && !self.peek().is_whitespace() {
            word.push(self.peek());
            self.place += 1;
        }
        match word.as_str() {
            "null" => Expected::Null,
            "true" => Expected::Bool(true),
            "false" => Expected::Bool(false),
            "NaN" => Expected::Float(f64::NAN),
            word => match word.parse::<i64>() {
                Ok(int) => Expected::Int(int),
                Err(_) => Expected::Float(word.parse().unwrap_or_else(|_| panic!("a value: {word}"))),
            },
        }
    }
}

impl Expected {
    /// The value, as parameters and procedures have it.
    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(int) => Value::Int(*int),
            Self::Float(float) => Value::Float(*float),
            Self::Text(text) => Value::from(text.as_str()),
            Self::List(items) => Value::List(items.iter().map(Self::value).collect()),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(name, value)| (Arc::from(name.as_str()), value.value()));
                Value::Map(entries.collect())
            }
            other => panic!("{other:?} is no parameter"),
        }
    }

    /// Whether a value is what is written.
    pub fn fits(&self, value: &Value, lists: Lists) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(wanted), Value::Bool(found)) => wanted == found,
            (Self::Int(wanted), Value::Int(found)) => wanted == found,
            (Self::Float(wanted), Value::Float(found)) => wanted == found || (wanted.is_nan() && found.is_nan()),
            (Self::Text(wanted), Value::Text(found)) => **wanted == **found,
            (
                Self::Text(wanted),
                Value::Date(_)
                | Value::LocalTime(_)
                | Value::Time(_)
                | Value::LocalDateTime(_)
                | Value::DateTime(_)
                | Value::Duration(_),
            ) => value.to_string() == format!("'{wanted}'"),
            (Self::List(wanted), Value::List(found)) => match lists {
                Lists::Ordered => {
                    let mut each = wanted.iter().zip(found.iter());
                    wanted.len() == found.len() && each.all(|(wanted, found)| wanted.fits(found, lists))
                }
                Lists::Unordered => same_bag(wanted, found, &|wanted, found| wanted.fits(found, lists)),
            },
            (Self::Map(wanted), Value::Map(found)) => entries_fit(wanted, found, lists),
            (Self::Node(..), Value::Node(node)) => self.fits_node(node, lists),
            (Self::Relationship(..), Value::Relationship(one)) => self.fits_relationship(one, lists),
            (Self::Path(start, steps), Value::Path(path)) => {
                let each = steps.iter().zip(path.relationships.iter().zip(path.nodes.windows(2)));
                let mut each = each.map(|((relationship, is_forward, node), (one, nodes))| {
                    relationship.fits_relationship(one, lists)
                        && (one.start == nodes[0].id) == *is_forward
                        && node.fits_node(&nodes[1], lists)
                });
                steps.len() == path.relationships.len()
                    && start.fits_node(&path.nodes[0], lists)
                    && each.all(|fits| fits)
            }
            _ => false,
        }
    }

    fn fits_node(&self, node: &Node, lists: Lists) -> bool {
        let Self::Node(labels, properties) = self else { return false };
        let found: BTreeSet<String> = node.labels.iter().map(|label| label.to_string()).collect();
        *labels == found && entries_fit(properties, &node.properties, lists)
    }

    fn fits_relationship(&self, one: &Relationship, lists: Lists) -> bool {
        let Self::Relationship(kind, properties) = self else { return false };
        **kind == *one.kind && entries_fit(properties, &one.properties, lists)
    }
}

fn entries_fit(wanted: &BTreeMap<String, Expected>, found: &Map, lists: Lists) -> bool {
    let mut each = wanted.iter().zip(found.iter());
    wanted.len() == found.len() && each.all(|(wanted, found)| **wanted.0 == **found.0 && wanted.1.fits(found.1, lists))
}

/// Whether each of what is wanted is found once, in any order.
pub fn same_bag<W, F>(wanted: &[W], found: &[F], fits: &dyn Fn(&W, &F) -> bool) -> bool {
    let mut left: Vec<&F> = found.iter().collect();
    let mut take = |one: &W| {
        let place = left.iter().position(|found| fits(one, found));
        place.map(|place| left.swap_remove(place)).is_some()
    };
    wanted.len() == found.len() && wanted.iter().all(&mut take)
}
