//! One table through the versions of a program: old rows stay readable, for the new types and for the old ones.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use worldstore_archetype::{Archetype, Bundle, Codec, Component, ComponentSchema, fit, plan};
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, EvolveOptions, MemoryTables, Scan, TableBackend,
};
use worldstore_core::{Error, Result};

/// Versions of one component.
mod v1 {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Position {
        pub px: f64,
        pub y: f64,
    }
    impl Component for Position {
        const NAME: &'static str = "Position";
    }
}

mod v2 {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Position {
        pub x: f64,
        pub y: f64,
        pub z: Option<f64>,
    }
    impl Component for Position {
        const NAME: &'static str = "Position";

        fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
            schema.with_former("x", ["px"])
        }
    }
}

mod v3 {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Position {
        pub x: f64,
    }
    impl Component for Position {
        const NAME: &'static str = "Position";
    }
}

mod wrong {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Position {
        pub x: String,
    }
    impl Component for Position {
        const NAME: &'static str = "Position";
    }
}

/// Brings the table to what the codec wants, and appends.
fn append<B: Bundle>(tables: &MemoryTables, rows: &[(u64, B)]) -> Result<()> {
    let codec = Codec::<B>::new()?;
    let table = codec.archetype().table();
    if tables.describe(table, &DescribeOptions::default()).is_err_and(|error| error.is_not_found()) {
        tables.create(table, &CreateOptions::new(codec.archetype().rows_schema()))?;
    }
    let schema = tables.describe(table, &DescribeOptions::default())?.schema;
    for change in plan(&without_base(&schema), codec.archetype())? {
        tables.evolve(table, &EvolveOptions::from(change))?;
    }
    let schema = tables.describe(table, &DescribeOptions::default())?.schema;
    let rows = fit(&codec.encode(rows)?, &schema)?;
    tables.append(table, vec![rows], &AppendOptions::default()).map(|_| ())
}

/// Base columns do not count: a table may have all, some or none of them.
fn without_base(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().filter(|field| field.name().contains("__")).cloned().collect::<Vec<_>>())
}

fn read<B: Bundle>(tables: &MemoryTables) -> Result<Vec<(u64, B)>> {
    let codec = Codec::<B>::new()?;
    let scan = tables.scan(codec.archetype().table(), &Scan::all())?;
    let batches = scan.batches.collect::<Result<Vec<RecordBatch>>>()?;
    let rows = batches.iter().map(|batch| codec.decode_live(batch)).collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

#[test]
fn old_rows_stay_readable() {
    let tables = MemoryTables::new();
    append(&tables, &[(1, v1::Position { px: 1.0, y: 2.0 })]).unwrap();
    let early: Vec<(u64, v2::Position)> = read(&tables).unwrap();
    assert_eq!(early, [(1, v2::Position { x: 1.0, y: 2.0, z: None })], "before the table is changed");

    append(&tables, &[(u64::MAX, v2::Position { x: 3.0, y: 4.0, z: Some(5.0) })]).unwrap();
    let rows: Vec<(u64, v2::Position)> = read(&tables).unwrap();
    let expected =
        [(1, v2::Position { x: 1.0, y: 2.0, z: None }), (u64::MAX, v2::Position { x: 3.0, y: 4.0, z: Some(5.0) })];
    assert_eq!(rows, expected);

    append(&tables, &[(9, v3::Position { x: 6.0 })]).unwrap();
    let xs: Vec<f64> = read::<v3::Position>(&tables).unwrap().into_iter().map(|(_, row)| row.x).collect();
    assert_eq!(xs, [1.0, 3.0, 6.0], "the columns of fields that are gone stay");
    let error = read::<v2::Position>(&tables).unwrap_err().to_string();
    assert!(error.contains("must have a value, column: position__y"), "{error}");
}

#[test]
fn all_versions_live_in_one_table() {
    let table = |archetype: Result<Archetype>| archetype.unwrap().table().clone();
    let first = table(Archetype::of::<v1::Position>());
    for other in [Archetype::of::<v2::Position>(), Archetype::of::<v3::Position>(), Archetype::of::<wrong::Position>()]
    {
        assert_eq!(table(other), first);
    }
}

#[test]
fn a_conflicting_type_changes_nothing() {
    let tables = MemoryTables::new();
    append(&tables, &[(1, v3::Position { x: 1.0 })]).unwrap();
    let describe = || tables.describe(Archetype::of::<v3::Position>()?.table(), &DescribeOptions::default());
    let before = describe().unwrap().version;
    let error: Error = append(&tables, &[(2, wrong::Position { x: "far".into() })]).unwrap_err();
    for part in ["column: position__x", "expected: Utf8", "got: Float64"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(describe().unwrap().version, before);
    assert!(read::<wrong::Position>(&tables).unwrap_err().to_string().contains("got: Float64"));
}
