//! Everything as bytes and back, against a copy of the same columns.

use worldstore_ecs::{Entities, Local};

use super::{Position, Velocity};
use crate::Failure;
use crate::measure::{Seen, Subject};

type Subjects = Result<Vec<Subject<'static>>, Failure>;

fn seen(size: usize) -> Seen {
    Seen { count: size as u64, ..Seen::default() }
}

fn world(size: usize) -> Result<Entities<Local>, Failure> {
    let mut entities = Entities::new(Local::new());
    entities.spawn_many((0..size).map(|number| (Position::new(number), Velocity::new(number))))?;
    Ok(entities)
}

/// The columns as a copy of them has them.
fn columns(size: usize) -> (Vec<u64>, Vec<Position>, Vec<Velocity>) {
    let ids = (0..size as u64).collect();
    (ids, (0..size).map(Position::new).collect(), (0..size).map(Velocity::new).collect())
}

/// Writes a snapshot.
pub fn write(size: usize) -> Subjects {
    let (entities, columns) = (world(size)?, columns(size));
    Ok(vec![
        Subject::new("copy of the columns", move || {
            let (ids, positions, velocities) = &columns;
            let copies = std::hint::black_box((ids.clone(), positions.clone(), velocities.clone()));
            Ok(seen(copies.0.len()))
        }),
        Subject::new("worldstore", move || {
            let bytes = std::hint::black_box(entities.snapshot()?);
            Ok(seen(if bytes.is_empty() { 0 } else { size }))
        }),
    ])
}

/// Restores a snapshot, until every column can be read.
pub fn read(size: usize) -> Subjects {
    let bytes = bytes::Bytes::from(world(size)?.snapshot()?);
    let columns = columns(size);
    Ok(vec![
        Subject::new("copy of the columns", move || {
            let (ids, positions, velocities) = &columns;
            let copies = std::hint::black_box((ids.clone(), positions.clone(), velocities.clone()));
            Ok(seen(copies.0.len()))
        }),
        Subject::new("worldstore", move || {
            let mut entities = Entities::new(Local::new());
            entities.register::<(Position, Velocity)>()?;
            entities.restore(bytes.clone(), &[])?;
            Ok(seen(entities.storage().select::<(&Position, &Velocity)>()?.count()))
        }),
    ])
}
