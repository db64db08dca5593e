//! Schemas of Rust types, names, former names.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::TimeUnit;
use serde::Deserialize;
use worldstore_core::ErrorKind;

use super::*;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Everything {
    flag: bool,
    small_number: i8,
    number: u64,
    real: f32,
    letter: char,
    text: String,
    list: Vec<Option<i32>>,
    vector: [f64; 3],
    pair: (i32, String),
    maybe: Option<Inner>,
    mode: Mode,
    counts: BTreeMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
struct Inner {
    depth: i16,
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Mode {
    Idle,
    Busy,
}

impl Component for Everything {
    const NAME: &'static str = "Every_Thing";
}

#[test]
fn a_type_has_the_columns_of_its_fields() {
    let schema = ComponentSchema::of::<Everything>().unwrap();
    let field = |name: &str, data_type, nullable| Arc::new(Field::new(name, data_type, nullable));
    let text = |nullable: bool| field("name", DataType::Utf8, nullable);
    let expected = [
        ("every_thing__flag", DataType::Boolean, Presence::Required),
        ("every_thing__smallNumber", DataType::Int8, Presence::Required),
        ("every_thing__number", DataType::UInt64, Presence::Required),
        ("every_thing__real", DataType::Float32, Presence::Required),
        ("every_thing__letter", DataType::UInt32, Presence::Required),
        ("every_thing__text", DataType::Utf8, Presence::Required),
        ("every_thing__list", DataType::List(field("item", DataType::Int32, true)), Presence::Required),
        (
            "every_thing__vector",
            DataType::FixedSizeList(field("item", DataType::Float64, false), 3),
            Presence::Required,
        ),
        (
            "every_thing__pair",
            DataType::Struct([field("0", DataType::Int32, false), field("1", DataType::Utf8, false)].into()),
            Presence::Required,
        ),
        (
            "every_thing__maybe",
            DataType::Struct([field("depth", DataType::Int16, false), text(true)].into()),
            Presence::Optional,
        ),
        ("every_thing__mode", DataType::Utf8, Presence::Required),
    ];
    for (column, (name, data_type, presence)) in schema.columns().iter().zip(&expected) {
        assert_eq!(
            (&column.name(), column.data_type(), column.presence()),
            (&(*name).to_owned(), data_type, *presence)
        );
        assert!(column.stored().is_nullable() && column.field().metadata().is_empty());
    }
    let counts = schema.columns().last().unwrap();
    assert_eq!((schema.columns().len(), counts.name().as_str()), (12, "every_thing__counts"));
    assert!(matches!(counts.data_type(), DataType::Map(..)), "{counts:?}");
}

#[derive(Serialize, Deserialize)]
struct Health(f32);
impl Component for Health {
    const NAME: &'static str = "Health";
}

#[derive(Serialize, Deserialize)]
struct Frozen;
impl Component for Frozen {
    const NAME: &'static str = "Frozen";
}

#[derive(Serialize, Deserialize)]
struct Hidden {}
impl Component for Hidden {
    const NAME: &'static str = "Hidden";
}

#[test]
fn newtypes_and_tags_have_one_column() {
    let one = |schema: Result<ComponentSchema>| {
        let schema = schema.unwrap();
        let [column] = schema.columns() else { panic!("{schema:?}") };
        (column.name(), column.data_type().clone())
    };
    assert_eq!(one(ComponentSchema::of::<Health>()), ("health__value".into(), DataType::Float32));
    assert_eq!(one(ComponentSchema::of::<Frozen>()), ("frozen__present".into(), DataType::Boolean));
    assert_eq!(one(ComponentSchema::of::<Hidden>()), ("hidden__present".into(), DataType::Boolean));
}

#[derive(Serialize, Deserialize)]
struct Blank {
    nothing: (),
}
impl Component for Blank {
    const NAME: &'static str = "Blank";
}

#[derive(Serialize, Deserialize)]
enum Shape {
    Circle { radius: f64 },
    Square(f64),
}
#[derive(Serialize, Deserialize)]
struct Body {
    shape: Shape,
}
impl Component for Body {
    const NAME: &'static str = "Body";
}

#[derive(Serialize, Deserialize)]
struct Wide {
    number: i128,
}
impl Component for Wide {
    const NAME: &'static str = "Wide";
}

#[test]
fn what_has_no_column_is_unsupported() {
    for (error, component) in [
        (ComponentSchema::of::<Blank>().unwrap_err(), "Blank"),
        (ComponentSchema::of::<Body>().unwrap_err(), "Body"),
        (ComponentSchema::of::<Wide>().unwrap_err(), "Wide"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(&format!("component: {component}")), "{error}");
    }
    let run = Field::new(
        "run",
        DataType::RunEndEncoded(
            Field::new("run_ends", DataType::Int32, false).into(),
            Field::new("values", DataType::Utf8, true).into(),
        ),
        true,
    );
    let error = ComponentSchema::from_arrow("a", &Schema::new(vec![run])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn names_are_checked() {
    let schema = Schema::new(vec![Field::new("x", DataType::Int32, false)]);
    for name in ["a", "A1", "a_b_c", &"a".repeat(COMPONENT_NAME_BYTES_MAX)] {
        assert_eq!(ComponentSchema::from_arrow(name, &schema).unwrap().name(), name.to_lowercase());
    }
    for name in ["", "_a", "a_", "a__b", "1a", "a-b", "ä", "a b", &"a".repeat(COMPONENT_NAME_BYTES_MAX + 1)] {
        let error = ComponentSchema::from_arrow(name, &schema).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error}");
    }
    let twice = Schema::new(vec![Field::new("x", DataType::Int32, false), Field::new("x", DataType::Utf8, false)]);
    let unnamed = Schema::new(vec![Field::new("", DataType::Int32, false)]);
    for wrong in [twice, unnamed, Schema::empty()] {
        assert_eq!(ComponentSchema::from_arrow("a", &wrong).unwrap_err().kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn former_names_belong_to_one_field() {
    let fields = ["x", "y"].map(|name| Field::new(name, DataType::Float64, false));
    let schema = ComponentSchema::from_arrow("p", &Schema::new(fields.to_vec())).unwrap();
    let named = schema.clone().with_former("x", ["a", "b"]).unwrap();
    let ids: Vec<String> = named.columns().iter().map(Column::stable_id).collect();
    assert_eq!(ids, ["p__a", "p__y"]);
    assert_eq!(named.columns()[0].former_names().collect::<Vec<_>>(), ["p__a", "p__b"]);
    for (field, name) in [("x", "x"), ("x", "y"), ("y", "a"), ("y", ""), ("z", "c")] {
        let error = named.clone().with_former(field, [name]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{field} {name}: {error}");
    }
    let typed = schema.with_type("x", DataType::Timestamp(TimeUnit::Second, None)).unwrap();
    assert_eq!(*typed.columns()[0].data_type(), DataType::Timestamp(TimeUnit::Second, None));
    assert_eq!(typed.with_type("x", DataType::Null).unwrap_err().kind(), ErrorKind::Unsupported);
}
