//! Supersets, older tables, conflicts, and what nobody has.

use arrow::datatypes::{DataType, Field};
use worldstore_core::ErrorKind;

use super::*;
use crate::archetype::Archetype;

fn component(name: &str, fields: &[(&str, DataType, bool)]) -> ComponentSchema {
    let fields: Vec<Field> =
        fields.iter().map(|(name, of, nullable)| Field::new(*name, of.clone(), *nullable)).collect();
    ComponentSchema::from_arrow(name, &Schema::new(fields)).unwrap()
}

fn position() -> ComponentSchema {
    component("Position", &[("x", DataType::Float64, false), ("z", DataType::Float64, true)])
}

fn label() -> ComponentSchema {
    component("Label", &[("text", DataType::Utf8, true)])
}

fn table(components: &[ComponentSchema]) -> (TableName, SchemaRef) {
    let archetype = Archetype::new(components.to_vec()).unwrap();
    (archetype.table().clone(), archetype.world_schema().unwrap())
}

fn search(tables: &[(TableName, SchemaRef)], components: &[ComponentSchema]) -> Result<Matches> {
    find(tables.iter().map(|(name, schema)| (name, schema)), components)
}

#[test]
fn supersets_are_found() {
    let tables = [table(&[position()]), table(&[label(), position()]), table(&[label()])];
    let found = |components: &[ComponentSchema]| search(&tables, components).unwrap().tables;
    assert_eq!(found(&[position()]), [tables[0].0.clone(), tables[1].0.clone()]);
    assert_eq!(found(&[position(), label()]), [tables[1].0.clone()]);
    assert_eq!(found(&[label()]), [tables[1].0.clone(), tables[2].0.clone()]);
    assert_eq!(search(&tables, &[]).unwrap_err().kind(), ErrorKind::Invalid);
    let apart = [tables[0].clone(), tables[2].clone()];
    assert!(search(&apart, &[position(), label()]).unwrap().tables.is_empty());
}

#[test]
fn older_tables_hold_the_component_too() {
    let older = table(&[component("Position", &[("px", DataType::Float64, false)])]);
    let wanted = position().with_former("x", ["px"]).unwrap();
    let found = search(std::slice::from_ref(&older), &[wanted]).unwrap();
    assert_eq!(found.tables, [older.0]);
}

#[test]
fn other_columns_are_no_match_and_are_told() {
    let other = component("Position", &[("x", DataType::Utf8, false)]).with_generation(2);
    let partial = component("Position", &[("z", DataType::Float64, true)]).with_generation(3);
    let tables = [table(&[other]), table(&[partial]), table(&[position()])];
    let found = search(&tables, &[position()]).unwrap();
    assert_eq!(found.tables, [tables[2].0.clone()]);
    let told: Vec<String> = found.conflicts.iter().map(|conflict| conflict.error.to_string()).collect();
    assert!(told[0].contains("expected: Float64, got: Utf8") && told[1].contains("column: position__x"), "{told:?}");

    let error = search(&tables[..2], &[position()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for part in ["component: position", tables[0].0.as_str(), tables[1].0.as_str()] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(search(&tables, &[label()]).unwrap_err().to_string().ends_with("component: label"));
}
