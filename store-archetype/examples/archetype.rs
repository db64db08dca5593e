//! Rows of a Rust type both ways, and the columns that an older table lacks.
//!
//! `cargo run -p worldstore-archetype --example archetype`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use serde::{Deserialize, Serialize};
use worldstore_archetype::{Archetype, Codec, Component, plan};

#[derive(Debug, Serialize, Deserialize)]
struct Position {
    x: f64,
    y: f64,
}

impl Component for Position {
    const NAME: &'static str = "Position";
}

/// The same component in a later program: it has a height.
#[derive(Debug, Serialize, Deserialize)]
struct Higher {
    x: f64,
    y: f64,
    z: Option<f64>,
}

impl Component for Higher {
    const NAME: &'static str = "Position";
}

fn main() -> worldstore_core::Result<()> {
    let codec = Codec::<Position>::new()?;
    let batch = codec.encode(&[(7, Position { x: 1.0, y: 2.0 }), (8, Position { x: 3.0, y: 4.0 })])?;
    for field in batch.schema().fields() {
        println!("{field}");
    }

    for (entity, position) in codec.decode_live(&batch)? {
        println!("{entity}: {position:?}");
    }

    let table = codec.archetype().world_schema()?;
    for change in plan(&table, &Archetype::of::<Higher>()?)? {
        println!("the table needs {change:?}");
    }
    Ok(())
}
