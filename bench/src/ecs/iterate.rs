//! Queries over all entities.

use worldstore_ecs::{Local, Query, Storage};

use super::{Acceleration, Force, Position, Spin, Velocity};
use crate::Failure;
use crate::measure::{Seen, Subject};

type Subjects = Result<Vec<Subject<'static>>, Failure>;

fn seen(count: usize, sum: f32) -> Seen {
    Seen { count: count as u64, bytes: u64::from(sum.to_bits()), sampled: 0 }
}

macro_rules! worlds {
    ($size:expr, $number:ident, $bundle:expr) => {{
        let bundles = || (0..$size).map(|$number| $bundle);
        let mut local = Local::new();
        local.insert_entities(bundles())?;
        let mut hecs = hecs::World::new();
        hecs.spawn_batch(bundles()).for_each(drop);
        let mut bevy = bevy_ecs::world::World::new();
        bevy.spawn_batch(bundles()).for_each(drop);
        (local, hecs, bevy)
    }};
}

/// Two components are read.
pub fn two(size: usize) -> Subjects {
    let (local, hecs, mut bevy) = worlds!(size, number, (Position::new(number % 64), Velocity::new(number % 32)));
    let mut query = bevy.query::<(&Position, &Velocity)>();
    Ok(vec![
        Subject::new("worldstore", move || {
            let (mut count, mut sum) = (0, 0.0);
            for (_, (position, velocity)) in local.select::<(&Position, &Velocity)>()?.iter() {
                count += 1;
                sum += position.x * velocity.y + velocity.x;
            }
            Ok(seen(count, sum))
        }),
        Subject::new("hecs", move || {
            let (mut count, mut sum) = (0, 0.0);
            for (position, velocity) in hecs.query::<(&Position, &Velocity)>().iter() {
                count += 1;
                sum += position.x * velocity.y + velocity.x;
            }
            Ok(seen(count, sum))
        }),
        Subject::new("bevy_ecs", move || {
            let (mut count, mut sum) = (0, 0.0);
            for (position, velocity) in query.iter(&bevy) {
                count += 1;
                sum += position.x * velocity.y + velocity.x;
            }
            Ok(seen(count, sum))
        }),
    ])
}

/// One of two components is written.
pub fn two_written(size: usize) -> Subjects {
    let (mut local, mut hecs, mut bevy) =
        worlds!(size, number, (Position::new(number % 64), Velocity::new(number % 32)));
    let mut query = bevy.query::<(&mut Position, &Velocity)>();
    Ok(vec![
        Subject::new("worldstore", move || {
            for (_, (position, velocity)) in local.select_mut::<(&mut Position, &Velocity)>()? {
                position.x += velocity.x;
                position.y += velocity.y;
                position.z += velocity.z;
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("hecs", move || {
            for (position, velocity) in hecs.query_mut::<(&mut Position, &Velocity)>() {
                position.x += velocity.x;
                position.y += velocity.y;
                position.z += velocity.z;
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("bevy_ecs", move || {
            for (mut position, velocity) in query.iter_mut(&mut bevy) {
                position.x += velocity.x;
                position.y += velocity.y;
                position.z += velocity.z;
            }
            Ok(seen(size, 0.0))
        }),
    ])
}

/// Two of five components are written.
pub fn five(size: usize) -> Subjects {
    let (mut local, mut hecs, mut bevy) = worlds!(
        size,
        number,
        (
            Position::new(number % 64),
            Velocity::new(number % 32),
            Acceleration::new(number % 16),
            Force::new(number % 8),
            Spin::new(number % 4),
        )
    );
    let mut query = bevy.query::<(&mut Position, &mut Velocity, &Acceleration, &Force, &Spin)>();
    Ok(vec![
        Subject::new("worldstore", move || {
            type Items<'a> = (&'a mut Position, &'a mut Velocity, &'a Acceleration, &'a Force, &'a Spin);
            for (_, (position, velocity, acceleration, force, spin)) in local.select_mut::<Items<'_>>()? {
                velocity.x += acceleration.x * force.y + spin.x;
                position.x += velocity.x;
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("hecs", move || {
            type Items<'a> = (&'a mut Position, &'a mut Velocity, &'a Acceleration, &'a Force, &'a Spin);
            for (position, velocity, acceleration, force, spin) in hecs.query_mut::<Items<'_>>() {
                velocity.x += acceleration.x * force.y + spin.x;
                position.x += velocity.x;
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("bevy_ecs", move || {
            for (mut position, mut velocity, acceleration, force, spin) in query.iter_mut(&mut bevy) {
                velocity.x += acceleration.x * force.y + spin.x;
                position.x += velocity.x;
            }
            Ok(seen(size, 0.0))
        }),
    ])
}

/// A field of a component, by names, against the same by type.
pub fn by_name(size: usize) -> Subjects {
    let (local, _, _) = worlds!(size, number, (Position::new(number % 64), Velocity::new(number % 32)));
    let (named, _, _) = worlds!(size, number, (Position::new(number % 64), Velocity::new(number % 32)));
    Ok(vec![
        Subject::new("worldstore, by type", move || {
            let (mut count, mut sum) = (0, 0.0);
            for (_, (position, velocity)) in local.select::<(&Position, &Velocity)>()?.iter() {
                count += 1;
                sum += position.x * velocity.y + velocity.x;
            }
            Ok(seen(count, sum))
        }),
        Subject::new("worldstore, by name", move || {
            let (mut count, mut sum) = (0, 0.0);
            let storage: &dyn Storage = &named;
            for chunk in storage.query(&Query::new(["Position", "Velocity"]))? {
                let chunk = chunk?;
                let field = |component: &str, name: &str| {
                    let column = chunk.column(component).ok_or("a column is not there")?;
                    column.field::<f32>(name).ok_or("a field is not there")
                };
                let position = field("Position", "x")?;
                let (x, y) = (field("Velocity", "x")?, field("Velocity", "y")?);
                for ((position, x), y) in position.values()?.zip(x.values()?).zip(y.values()?) {
                    count += 1;
                    sum += position * y + x;
                }
            }
            Ok(seen(count, sum))
        }),
    ])
}

macro_rules! tags {
    ($($tag:ident)+) => {
        $(
            #[derive(Debug, Clone, Copy, worldstore_ecs::Component, bevy_ecs::component::Component)]
            struct $tag;
        )+

        fn fragments(size: usize, local: &mut Local, hecs: &mut hecs::World, bevy: &mut bevy_ecs::world::World)
            -> Result<(), Failure> {
            let each = size / 26;
            $({
                let bundles = || (0..each).map(|number| (Position::new(number % 64), $tag));
                local.insert_entities(bundles())?;
                hecs.spawn_batch(bundles()).for_each(drop);
                bevy.spawn_batch(bundles()).for_each(drop);
            })+
            Ok(())
        }
    };
}

tags!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z);

/// One component in 26 archetypes: of 20 entities each for the smaller size.
pub fn fragmented(size: usize) -> Subjects {
    let size = if size <= 10_000 { 520 } else { size };
    let (mut local, mut hecs, mut bevy) = (Local::new(), hecs::World::new(), bevy_ecs::world::World::new());
    fragments(size, &mut local, &mut hecs, &mut bevy)?;
    let mut query = bevy.query::<&mut Position>();
    Ok(vec![
        Subject::new("worldstore", move || {
            for _ in 0..100 {
                for (_, (position,)) in local.select_mut::<(&mut Position,)>()? {
                    position.x += 1.0;
                }
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("hecs", move || {
            for _ in 0..100 {
                for position in hecs.query_mut::<&mut Position>() {
                    position.x += 1.0;
                }
            }
            Ok(seen(size, 0.0))
        }),
        Subject::new("bevy_ecs", move || {
            for _ in 0..100 {
                for mut position in query.iter_mut(&mut bevy) {
                    position.x += 1.0;
                }
            }
            Ok(seen(size, 0.0))
        }),
    ])
}
