//! The values of JSON lines, for their types alone: nulls in lists, which have none, are left out.

use std::cell::RefCell;
use std::fmt;
use std::io::BufRead;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use worldstore::Error;
use worldstore::arrow::error::ArrowError;

/// The values of a file, line by line. What repeats a key is refused: one of its values would be lost.
pub struct Values<Source> {
    source: Source,
    line: String,
    /// Lines that were read.
    lines: u64,
}

impl<Source: BufRead> Values<Source> {
    pub fn new(source: Source) -> Self {
        Self { source, line: String::new(), lines: 0 }
    }

    fn read(&mut self) -> Result<Option<Value>, ArrowError> {
        loop {
            self.line.clear();
            if self.source.read_line(&mut self.line)? == 0 {
                return Ok(None);
            }
            self.lines += 1;
            let text = self.line.trim();
            if !text.is_empty() {
                return self.value(text).map(Some);
            }
        }
    }

    fn value(&self, text: &str) -> Result<Value, ArrowError> {
        let repeated = RefCell::new(None);
        let value =
            value(text, &repeated).map_err(|error| ArrowError::JsonError(format!("not valid JSON: {error}")))?;
        match repeated.into_inner() {
            None => Ok(value),
            Some(key) => {
                let error = Error::invalid("a key is there twice").with("key", key).with("line", self.lines);
                Err(ArrowError::ExternalError(Box::new(error)))
            }
        }
    }
}

impl<Source: BufRead> Iterator for Values<Source> {
    type Item = Result<Value, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn value(text: &str, repeated: &RefCell<Option<String>>) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Look { repeated }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a value.
#[derive(Clone, Copy)]
struct Look<'line> {
    /// The first key that an object has twice.
    repeated: &'line RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = Value;

    fn deserialize<Source: Deserializer<'de>>(self, source: Source) -> Result<Value, Source::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<Failure: de::Error>(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn visit_bool<Failure: de::Error>(self, value: bool) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_i64<Failure: de::Error>(self, value: i64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_u64<Failure: de::Error>(self, value: u64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_f64<Failure: de::Error>(self, value: f64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_str<Failure: de::Error>(self, value: &str) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_seq<Items: SeqAccess<'de>>(self, mut items: Items) -> Result<Value, Items::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            if !item.is_null() {
                list.push(item);
            }
        }
        Ok(Value::Array(list))
    }

    fn visit_map<Parts: MapAccess<'de>>(self, mut parts: Parts) -> Result<Value, Parts::Error> {
        let mut object = Map::new();
        while let Some(key) = parts.next_key::<String>()? {
            let value = parts.next_value_seed(self)?;
            if object.contains_key(&key) {
                self.repeated.borrow_mut().get_or_insert_with(|| key.clone());
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
