//! What is encoded comes back, for every kind of field; what does not fit is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use worldstore_archetype::{Codec, Component, ComponentSchema};
use worldstore_core::{ErrorKind, Result};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numbers {
    a: i8,
    b: i16,
    c: i32,
    d: i64,
    e: u8,
    f: u16,
    g: u32,
    h: u64,
    i: f32,
    j: f64,
    k: bool,
    l: char,
}
impl Component for Numbers {
    const NAME: &'static str = "Numbers";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested {
    text: String,
    maybe: Option<String>,
    list: Vec<i64>,
    lists: Vec<Vec<Option<u8>>>,
    inner: Inner,
    inners: Vec<Inner>,
    optional: Option<Inner>,
    vector: [f32; 3],
    pair: (u64, String),
    maybe_vector: Option<[i32; 2]>,
    map: BTreeMap<String, i64>,
}
impl Component for Nested {
    const NAME: &'static str = "Nested";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    depth: Option<i16>,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Mode {
    Idle,
    #[serde(rename = "very busy")]
    Busy,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Typed {
    at_us: i64,
    maybe_ms: Option<i64>,
    bytes: Vec<u8>,
    mode: Mode,
    text: String,
}
impl Component for Typed {
    const NAME: &'static str = "Typed";

    fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
        let dictionary = || DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
        schema
            .with_type("at_us", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?
            .with_type("maybe_ms", DataType::Timestamp(TimeUnit::Millisecond, None))?
            .with_type("bytes", DataType::Binary)?
            .with_type("mode", dictionary())?
            .with_type("text", DataType::LargeUtf8)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Health(u32);
impl Component for Health {
    const NAME: &'static str = "Health";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Frozen;
impl Component for Frozen {
    const NAME: &'static str = "Frozen";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hidden {}
impl Component for Hidden {
    const NAME: &'static str = "Hidden";
}

fn real() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("a number that equals itself", |number| !number.is_nan())
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let small = (any::<i8>(), any::<i16>(), any::<i32>(), any::<i64>(), any::<u8>(), any::<u16>());
    let large = (any::<u32>(), any::<u64>(), -1e30f32..1e30, real(), any::<bool>(), any::<char>());
    (small, large).prop_map(|((a, b, c, d, e, f), (g, h, i, j, k, l))| Numbers { a, b, c, d, e, f, g, h, i, j, k, l })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Idle), Just(Mode::Busy)]
}

fn inner() -> impl Strategy<Value = Inner> {
    (option::of(any::<i16>()), mode()).prop_map(|(depth, mode)| Inner { depth, mode })
}

fn nested() -> impl Strategy<Value = Nested> {
    let texts = (".*", option::of(".*"));
    let lists = (vec(any::<i64>(), 0..4), vec(vec(option::of(any::<u8>()), 0..3), 0..3));
    let inners = (inner(), vec(inner(), 0..3), option::of(inner()));
    let rest = ([-1e9f32..1e9, -1e9f32..1e9, -1e9f32..1e9], (any::<u64>(), ".*"), option::of(any::<[i32; 2]>()));
    let map = btree_map("[a-z]*", any::<i64>(), 0..3);
    (texts, lists, inners, rest, map).prop_map(|(texts, lists, inners, rest, map)| Nested {
        text: texts.0,
        maybe: texts.1,
        list: lists.0,
        lists: lists.1,
        inner: inners.0,
        inners: inners.1,
        optional: inners.2,
        vector: rest.0,
        pair: rest.1,
        maybe_vector: rest.2,
        map,
    })
}

fn typed() -> impl Strategy<Value = Typed> {
    (any::<i64>(), option::of(any::<i64>()), vec(any::<u8>(), 0..5), mode(), ".*")
        .prop_map(|(at_us, maybe_ms, bytes, mode, text)| Typed { at_us, maybe_ms, bytes, mode, text })
}

proptest! {
    #[test]
    fn rows_come_back(
        rows in vec((any::<u64>(), (numbers(), nested(), typed(), any::<u32>().prop_map(Health))), 0..6)
    ) {
        let codec = Codec::<(Numbers, Nested, Typed, Health)>::new().unwrap();
        let batch = codec.encode(&rows).unwrap();
        prop_assert_eq!(batch.schema(), codec.archetype().rows_schema());
        prop_assert_eq!(codec.decode_live(&batch).unwrap(), rows.clone());
        // A part of a batch, with columns of others in it.
        let part = batch.slice(rows.len() / 2, rows.len() - rows.len() / 2);
        prop_assert_eq!(codec.decode_live(&part).unwrap(), rows[rows.len() / 2..].to_vec());
        let healths = Codec::<Health>::new().unwrap().decode_live(&batch).unwrap();
        prop_assert_eq!(healths, rows.iter().map(|(entity, row)| (*entity, row.3.clone())).collect::<Vec<_>>());
    }
}

#[test]
fn tags_come_back() {
    let codec = Codec::<(Frozen, Health, Hidden)>::new().unwrap();
    let rows = [(u64::MAX, (Frozen, Health(1), Hidden {})), (0, (Frozen, Health(2), Hidden {}))];
    let batch = codec.encode(&rows).unwrap();
    assert_eq!(codec.decode_live(&batch).unwrap(), rows);
    assert_eq!(batch.num_columns(), 4);
}

/// A batch as a scan gives it: these columns, a tick, and whether the entities live.
fn scanned(batch: &RecordBatch, tick: i64, active: Vec<bool>) -> RecordBatch {
    let mut fields: Vec<Arc<Field>> = batch.schema_ref().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    fields.push(Field::new("tick", DataType::Int64, false).into());
    columns.push(Arc::new(Int64Array::from_value(tick, batch.num_rows())));
    if !active.is_empty() {
        fields.push(Field::new("active", DataType::Boolean, false).into());
        columns.push(Arc::new(BooleanArray::from(active)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[test]
fn ended_entities_have_no_components() {
    let codec = Codec::<Health>::new().unwrap();
    let batch = codec.encode(&[(1, Health(10)), (2, Health(20)), (3, Health(30))]).unwrap();
    let rows = codec.decode(&scanned(&batch, -5, vec![true, false, true])).unwrap();
    let told: Vec<_> = rows.into_iter().map(|row| (row.entity, row.tick, row.components)).collect();
    assert_eq!(told, [(1, -5, Some(Health(10))), (2, -5, None), (3, -5, Some(Health(30)))]);
    let ended = codec.encode_ended(&[7, 8]).unwrap();
    assert_eq!(ended.column_by_name("health__value").unwrap().null_count(), 2);
    assert_eq!(codec.decode_live(&ended).unwrap(), []);
    assert_eq!(codec.decode(&scanned(&batch, 0, Vec::new())).unwrap().len(), 3);
}

#[test]
fn what_is_missing_or_of_another_type_is_refused() {
    let codec = Codec::<Health>::new().unwrap();
    let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    let signed: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let health: ArrayRef = Arc::new(arrow::array::UInt32Array::from(vec![1]));
    let null: ArrayRef = Arc::new(arrow::array::UInt32Array::from(vec![None::<u32>]));
    let batch = |columns: &[(&str, &ArrayRef)]| {
        RecordBatch::try_from_iter(columns.iter().map(|(name, column)| (*name, Arc::clone(column)))).unwrap()
    };
    for (rows, messages) in [
        (batch(&[("health__value", &health)]), ["miss a column, column: entity", "expected: UInt64"]),
        (batch(&[("entity", &signed), ("health__value", &health)]), ["column: entity", "got: Int64"]),
        (batch(&[("entity", &entity)]), ["miss a column", "column: health__value"]),
        (batch(&[("entity", &entity), ("health__value", &signed)]), ["expected: UInt32", "got: Int64"]),
        (batch(&[("entity", &entity), ("health__value", &null)]), ["null", "column: health__value, row: 0"]),
    ] {
        let error = codec.decode_live(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(messages.iter().all(|message| error.to_string().contains(message)), "{error}");
    }
    let without_tick = batch(&[("entity", &entity), ("health__value", &health)]);
    assert!(codec.decode(&without_tick).unwrap_err().to_string().contains("column: tick"));
}

#[derive(Debug, Serialize, Deserialize)]
struct Work {
    mode: Mode,
}
impl Component for Work {
    const NAME: &'static str = "Work";
}

#[test]
fn a_variant_that_nobody_knows_is_corrupt() {
    let codec = Codec::<Work>::new().unwrap();
    let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    let mode: ArrayRef = Arc::new(StringArray::from(vec!["Sleeping"]));
    let rows = RecordBatch::try_from_iter([("entity", entity), ("work__mode", mode)]).unwrap();
    let error = codec.decode_live(&rows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("component: work"), "{error}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Clock {
    text: String,
}
impl Component for Clock {
    const NAME: &'static str = "Clock";

    fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
        schema.with_type("text", DataType::Int32)
    }
}

#[test]
fn a_value_that_does_not_fit_its_type_is_refused() {
    let error = Codec::<Clock>::new().unwrap().encode(&[(1, Clock { text: "noon".into() })]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("component: clock"), "{error}");
}
