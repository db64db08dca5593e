//! Entities in memory against hecs and bevy_ecs: the same components, the same work, the same sums.

mod access;
mod iterate;
mod life;
mod snapshots;

use worldstore_ecs::{Component, zerocopy};

use crate::Failure;
use crate::measure::{Row, Subject, row};

/// Numbers of entities.
const SIZES: [usize; 2] = [10_000, 1_000_000];

macro_rules! components {
    ($($name:ident),+) => {
        $(
            #[derive(Debug, Clone, Copy, PartialEq, Component, bevy_ecs::component::Component)]
            #[derive(zerocopy::FromBytes, zerocopy::Immutable, zerocopy::IntoBytes, zerocopy::KnownLayout)]
            #[zerocopy(crate = "worldstore_ecs::zerocopy")]
            #[worldstore(plain)]
            #[repr(C)]
            struct $name {
                x: f32,
                y: f32,
                z: f32,
            }

            impl $name {
                fn new(number: usize) -> Self {
                    Self { x: number as f32, y: 1.0, z: 0.5 }
                }
            }
        )+
    };
}

components!(Position, Velocity, Acceleration, Force, Spin);

/// Runs all rows whose name contains a text.
pub fn rows(scale: usize, only: Option<&str>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for size in SIZES.map(|size| (size / scale).max(1_000)) {
        let count = if size >= 1_000_000 { format!("{} M", size / 1_000_000) } else { format!("{} k", size / 1_000) };
        let mut run =
            |name: &str, amount: usize, subjects: &mut dyn FnMut() -> Result<Vec<Subject<'static>>, Failure>| {
                let name = format!("{name}, {count}");
                if only.is_none_or(|only| name.contains(only)) {
                    rows.push(row(name, amount as u64, "op", subjects()?)?);
                }
                Ok::<(), Failure>(())
            };
        run("create", size, &mut || life::create(size))?;
        run("create many", size, &mut || life::create_many(size))?;
        run("get", size, &mut || access::get(size))?;
        run("get by name", size, &mut || access::get_by_name(size))?;
        run("set", size, &mut || access::set(size))?;
        run("add and remove", size, &mut || life::add_and_remove(size))?;
        run("query 2", size, &mut || iterate::two(size))?;
        run("query 2 written", size, &mut || iterate::two_written(size))?;
        run("query 5", size, &mut || iterate::five(size))?;
        run("query by name", size, &mut || iterate::by_name(size))?;
        run("fragmented", size, &mut || iterate::fragmented(size))?;
        let bytes = size * 2 * size_of::<Position>() + size * 8;
        for (name, subjects) in [("snapshot", snapshots::write(size)), ("restore", snapshots::read(size))] {
            let name = format!("{name}, {count}");
            if only.is_none_or(|only| name.contains(only)) {
                rows.push(row(name, bytes as u64, "byte", subjects?)?);
            }
        }
    }
    Ok(rows)
}

/// Places in an order that no cache foresees: each of so many once.
fn shuffled(count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for place in (1..count).rev() {
        state = state.wrapping_mul(0xD120_0000_0000_1003).wrapping_add(0x1405_7B7E_F767_814F);
        places.swap(place, (state >> 33) as usize % (place + 1));
    }
    places
}
