//! Typed components through a world: buffered, flushed, and with columns that change meanwhile.

use serde::{Deserialize, Serialize};
use worldstore::archetype::{Bundle, Codec, Component, ComponentSchema, find, fit, plan};
use worldstore::core::table::{DescribeOptions, EvolveOptions, Scan};
use worldstore::{Result, Run};

use crate::bed::{Bed, on_each_format};

on_each_format!(components_come_back, columns_change_under_buffered_rows);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Position {
    x: f64,
    y: f64,
}
impl Component for Position {
    const NAME: &'static str = "Position";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pose {
    east: f64,
    y: f64,
    heading: Option<Vec<f32>>,
}
impl Component for Pose {
    const NAME: &'static str = "Position";

    fn refine(schema: ComponentSchema) -> Result<ComponentSchema> {
        schema.with_former("east", ["x"])
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cargo {
    weight: u64,
    tags: Vec<String>,
    mode: Option<Mode>,
}
impl Component for Cargo {
    const NAME: &'static str = "Cargo";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Mode {
    Loaded,
    Empty,
}

async fn read<B: Bundle>(run: &Run, codec: &Codec<B>) -> Vec<(u64, B)> {
    let batches = run.now().collect(codec.archetype().table().as_str(), &Scan::all()).await.unwrap();
    let mut rows: Vec<(u64, B)> = batches.iter().flat_map(|batch| codec.decode_live(batch).unwrap()).collect();
    rows.sort_by_key(|(entity, _)| *entity);
    rows
}

async fn components_come_back(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let codec = Codec::<(Position, Cargo)>::new().unwrap();
    let table = codec.archetype().table().as_str();
    let row = |x: f64, weight: u64, mode: Option<Mode>| {
        (Position { x, y: -x }, Cargo { weight, tags: vec!["a".into(), String::new()], mode })
    };
    let large = i64::MAX as u64;
    let rows =
        [(1, row(1.5, large, Some(Mode::Empty))), (2, row(-0.0, 0, None)), (large, row(3.0, 1, Some(Mode::Loaded)))];
    let _ = run.append(1, table, &codec.encode(&rows[..1]).unwrap()).await.unwrap();
    world.flush().await.unwrap();
    let _ = run.append(2, table, &codec.encode(&rows[1..]).unwrap()).await.unwrap();
    assert_eq!(read(&run, &codec).await, rows);

    let _ = run.append(3, table, &codec.encode_ended(&[2]).unwrap()).await.unwrap();
    let batches = run.now().collect(table, &Scan::all()).await.unwrap();
    let mut ended: Vec<(u64, i64)> = Vec::new();
    for batch in &batches {
        let rows = codec.decode(batch).unwrap();
        ended.extend(rows.iter().filter(|row| row.components.is_none()).map(|row| (row.entity, row.tick)));
    }
    assert_eq!(ended, [(2, 3)]);

    let tables = world.table_backend();
    let name = codec.archetype().table();
    let schema = tables.describe(name, &DescribeOptions::default()).await.unwrap().schema;
    let cargo = ComponentSchema::of::<Cargo>().unwrap();
    assert_eq!(find([(name, &schema)], &[cargo]).unwrap().tables.first(), Some(name));
    world.shutdown().await.unwrap();
}

async fn columns_change_under_buffered_rows(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let (old, new) = (Codec::<Position>::new().unwrap(), Codec::<Pose>::new().unwrap());
    let table = new.archetype().table();
    assert_eq!(old.archetype().table(), table);
    let _ = run.append(1, table.as_str(), &old.encode(&[(1, Position { x: 1.0, y: 2.0 })]).unwrap()).await.unwrap();
    world.flush().await.unwrap();
    let _ = run.append(2, table.as_str(), &old.encode(&[(2, Position { x: 3.0, y: 4.0 })]).unwrap()).await.unwrap();

    let tables = world.table_backend();
    let schema = tables.describe(table, &DescribeOptions::default()).await.unwrap().schema;
    for change in plan(&schema, new.archetype()).unwrap() {
        tables.evolve(table, &EvolveOptions::from(change)).await.unwrap();
    }
    let pose = |east: f64, heading| Pose { east, y: east + 1.0, heading };
    let rows = new.encode(&[(3, pose(5.0, Some(vec![0.5, -0.5])))]).unwrap();
    let schema = tables.describe(table, &DescribeOptions::default()).await.unwrap().schema;
    let _ = run.append(3, table.as_str(), &fit(&rows, &schema).unwrap()).await.unwrap();
    let expected = [(1, pose(1.0, None)), (2, pose(3.0, None)), (3, pose(5.0, Some(vec![0.5, -0.5])))];
    assert_eq!(read(&run, &new).await, expected);
    world.shutdown().await.unwrap();
}
