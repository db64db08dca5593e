//! The values of JSON lines, for their types alone: nulls in lists, which have none, are left out.

use std::fmt;
use std::io::BufRead;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use worldstore::arrow::error::ArrowError;

/// The values of a file, line by line.
pub struct Values<Source> {
    source: Source,
    line: String,
}

impl<Source: BufRead> Values<Source> {
    pub fn new(source: Source) -> Self {
        Self { source, line: String::new() }
    }

    fn read(&mut self) -> Result<Option<Value>, ArrowError> {
        loop {
            self.line.clear();
            if self.source.read_line(&mut self.line)? == 0 {
                return Ok(None);
            }
            let text = self.line.trim();
            if !text.is_empty() {
                return value(text)
                    .map(Some)
                    .map_err(|error| ArrowError::JsonError(format!("not valid JSON: {error}")));
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

fn value(text: &str) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Look.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a value.
#[derive(Clone, Copy)]
struct Look;

impl<'de> DeserializeSeed<'de> for Look {
    type Value = Value;

    fn deserialize<Source: Deserializer<'de>>(self, source: Source) -> Result<Value, Source::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<Failure: Error>(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn visit_bool<Failure: Error>(self, value: bool) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_i64<Failure: Error>(self, value: i64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_u64<Failure: Error>(self, value: u64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_f64<Failure: Error>(self, value: f64) -> Result<Value, Failure> {
        Ok(value.into())
    }

    fn visit_str<Failure: Error>(self, value: &str) -> Result<Value, Failure> {
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
            object.insert(key, parts.next_value_seed(self)?);
        }
        Ok(Value::Object(object))
    }
}
