//! Order, names, tables.

use arrow::datatypes::DataType;
use worldstore_core::ErrorKind;

use super::*;
use crate::component::Presence;

fn component(name: &str, fields: &[(&str, DataType, bool)]) -> ComponentSchema {
    let fields: Vec<Field> =
        fields.iter().map(|(name, of, nullable)| Field::new(*name, of.clone(), *nullable)).collect();
    ComponentSchema::from_arrow(name, &Schema::new(fields)).unwrap()
}

fn position() -> ComponentSchema {
    component("Position", &[("x", DataType::Float64, false), ("y", DataType::Float64, false)])
}

fn label() -> ComponentSchema {
    component("Label", &[("text", DataType::Utf8, true)])
}

#[test]
fn order_does_not_matter() {
    let (one, other) = (Archetype::new([position(), label()]).unwrap(), Archetype::new([label(), position()]).unwrap());
    assert_eq!(one, other);
    assert!(one.table().as_str().starts_with("a2_") && one.table().as_str().len() == 19, "{}", one.table());
    let names: Vec<String> = one.columns().map(Column::name).collect();
    assert_eq!(names, ["label__text", "position__x", "position__y"]);
    assert_eq!(one.world_schema().unwrap().fields().len(), 6 + 3);
    assert_eq!(one.rows_schema().field(0).name(), "entity");
    assert_eq!(one.columns().next().unwrap().presence(), Presence::Optional);
}

#[test]
fn two_components_of_one_name_are_refused() {
    let other = component("POSITION", &[("z", DataType::Float64, false)]);
    let error = Archetype::new([position(), label(), other]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("component: position"), "{error}");
    assert_eq!(Archetype::new([]).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn the_table_stays_when_columns_are_added_and_renamed() {
    let table = |component: ComponentSchema| Archetype::new([component, label()]).unwrap();
    let before = table(position());
    let fields = [("east", DataType::Float64, false), ("y", DataType::Float64, false), ("z", DataType::Float64, true)];
    let after = table(component("position", &fields).with_former("east", ["x"]).unwrap());
    assert_eq!(before.table(), after.table());
    assert_ne!(before.fingerprint().unwrap(), after.fingerprint().unwrap());
    let renamed = component("position", &fields[..2]).with_former("east", ["x"]).unwrap();
    assert_eq!(
        table(renamed).fingerprint().unwrap(),
        before.fingerprint().unwrap(),
        "a column is known by its first name"
    );
    assert_ne!(table(position().with_generation(2)).table(), before.table());
    assert_ne!(Archetype::new([position()]).unwrap().table(), before.table());
}

#[test]
fn tables_of_ones_own_names() {
    assert_eq!(Archetype::new([position()]).unwrap().named("units").unwrap().table().as_str(), "units");
    assert_eq!(Archetype::new([position()]).unwrap().named("a-b").unwrap_err().kind(), ErrorKind::Invalid);
    let weather = Archetype::plain(component("weather", &[("wind", DataType::Float32, true)])).unwrap();
    assert_eq!((weather.table().as_str(), weather.fields()[0].name().as_str()), ("weather", "wind"));
    let error = Archetype::plain(component("weather", &[("tick", DataType::Int64, true)])).unwrap_err();
    assert!(error.to_string().contains("column: tick"), "{error}");
}
