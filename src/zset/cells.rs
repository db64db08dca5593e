//! Rows of a query as values of Rust types.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use worldstore_graph::Value;

/// A row as a type: a struct whose fields are columns by name, or a tuple of all columns in their order.
pub(super) fn row<T: DeserializeOwned>(columns: &[String], values: &[Value]) -> Result<T, Error> {
    T::deserialize(Row { columns, values })
}

struct Row<'row> {
    columns: &'row [String],
    values: &'row [Value],
}

impl Row<'_> {
    fn in_order<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut values = SeqDeserializer::new(self.values.iter().map(Cell));
        let row = visitor.visit_seq(&mut values)?;
        values.end()?;
        Ok(row)
    }
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let names = self.columns.iter().map(String::as_str);
        visitor.visit_map(MapDeserializer::new(names.zip(self.values.iter().map(Cell))))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.in_order(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.in_order(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.in_order(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct map
        struct enum identifier ignored_any
    }
}

/// A value of a row.
struct Cell<'row>(&'row Value);

impl<'de> IntoDeserializer<'de, Error> for Cell<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Int(int) => visitor.visit_i64(*int),
            // As in the graph, both zeros are one, and so are all NaN.
            Value::Float(float) if float.is_nan() => visitor.visit_f64(f64::NAN),
            Value::Float(float) => visitor.visit_f64(*float + 0.0),
            Value::Text(text) => visitor.visit_str(text),
            Value::Date(date) => visitor.visit_string(date.to_string()),
            Value::LocalTime(time) => visitor.visit_string(time.to_string()),
            Value::Time(time) => visitor.visit_string(time.to_string()),
            Value::LocalDateTime(time) => visitor.visit_string(time.to_string()),
            Value::DateTime(time) => visitor.visit_string(time.to_string()),
            Value::Duration(duration) => visitor.visit_string(duration.to_string()),
            Value::List(list) => {
                let mut items = SeqDeserializer::new(list.iter().map(Cell));
                let list = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(list)
            }
            Value::Map(map) => {
                visitor.visit_map(MapDeserializer::new(map.iter().map(|(name, value)| (&**name, Cell(value)))))
            }
            Value::Node(_) | Value::Relationship(_) | Value::Path(_) => {
                Err(Error::custom("nodes, relationships and paths are no plain values; return their properties"))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Text(text) => visitor.visit_enum((&**text).into_deserializer()),
            other => Err(Error::custom(format!("expected the name of a variant, found a {}", other.type_name()))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
