//! Plans for every kind of change, and what is refused.

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::DataType;
use worldstore_core::ErrorKind;

use super::*;
use crate::component::ComponentSchema;

const F64: DataType = DataType::Float64;

fn wanted(fields: &[(&str, DataType, bool)], former: &[(&str, &[&str])]) -> Archetype {
    let fields: Vec<Field> =
        fields.iter().map(|(name, of, nullable)| Field::new(*name, of.clone(), *nullable)).collect();
    let mut schema = ComponentSchema::from_arrow("P", &Schema::new(fields)).unwrap();
    for (field, names) in former {
        schema = schema.with_former(field, names.iter().copied()).unwrap();
    }
    Archetype::new([schema]).unwrap()
}

fn table() -> SchemaRef {
    wanted(&[("x", F64, false), ("y", F64, false)], &[]).world_schema().unwrap()
}

#[test]
fn what_is_there_needs_no_change() {
    let same = wanted(&[("y", F64, false), ("x", F64, true)], &[]);
    assert_eq!(plan(&table(), &same).unwrap(), []);
    let fewer = wanted(&[("x", F64, false)], &[]);
    assert_eq!(plan(&table(), &fewer).unwrap(), [], "a field that is gone keeps its column");
}

#[test]
fn the_changes_of_a_plan_lead_to_the_columns() {
    let fields = [("east", F64, false), ("y", F64, false), ("z", F64, true), ("note", DataType::Utf8, true)];
    let after = wanted(&fields, &[("east", &["w", "x"])]);
    let changes = plan(&table(), &after).unwrap();
    assert_eq!(changes.len(), 2, "{changes:?}");
    let changed = changes.iter().fold(table(), |schema, change| change.apply(&schema).unwrap());
    let names: Vec<&str> = changed.fields().iter().skip(6).map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["p__east", "p__y", "p__z", "p__note"]);
    assert_eq!(plan(&changed, &after).unwrap(), [], "a second plan has nothing to do");
}

#[test]
fn conflicts_name_column_and_types() {
    let other = wanted(&[("x", DataType::Float32, false), ("y", F64, false)], &[]);
    let added = wanted(&[("x", F64, false), ("y", F64, false), ("z", F64, false)], &[]);
    let renamed = wanted(&[("z", DataType::Int64, false), ("y", F64, false)], &[("z", &["x"])]);
    let both = wanted(&[("x", F64, false)], &[("x", &["y"])]);
    for (archetype, messages) in [
        (other, ["column: p__x", "expected: Float32", "got: Float64"]),
        (added, ["must be optional", "column: p__z", "expected: Float64"]),
        (renamed, ["column: p__z", "expected: Int64", "got: Float64"]),
        (both, ["former names", "column: p__x", "former: p__y"]),
    ] {
        let error = plan(&table(), &archetype).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        for message in messages {
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}

#[test]
fn columns_that_are_never_null_bind() {
    let strict = Schema::new(vec![Field::new("p__x", F64, false), Field::new("p__y", F64, false)]);
    assert_eq!(plan(&strict, &wanted(&[("x", F64, false), ("y", F64, false)], &[])).unwrap(), []);
    for (archetype, column) in [
        (wanted(&[("x", F64, false)], &[]), "column: p__y"),
        (wanted(&[("x", F64, true), ("y", F64, false)], &[]), "column: p__x"),
    ] {
        let error = plan(&strict, &archetype).unwrap_err().to_string();
        assert!(error.contains(column), "{error}");
    }
}

#[test]
fn rows_are_filled_up_with_null() {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let rows = RecordBatch::try_from_iter([("p__y", column.clone())]).unwrap();
    let fitted = fit(&rows, &table()).unwrap();
    assert_eq!(fitted.num_columns(), 2);
    assert_eq!(fitted.column(0).null_count(), 2);
    assert_eq!(fitted.column(1).as_primitive::<arrow::datatypes::Float64Type>().values()[..], [1.0, 2.0]);
    let unknown = RecordBatch::try_from_iter([("p__q", column.clone())]).unwrap();
    assert!(fit(&unknown, &table()).unwrap_err().to_string().contains("column: p__q"));
    let strict = Schema::new(vec![Field::new("p__y", F64, true), Field::new("p__z", F64, false)]);
    assert!(fit(&rows, &strict).unwrap_err().to_string().contains("column: p__z"));
}
