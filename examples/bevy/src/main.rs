//! Balls that bounce, grow old and burst, in a world of bevy_ecs: every step is kept as a tick of a world, is loaded again,
//! and goes on in a fork.
//!
//! `cargo run -p worldstore-bevy --features bevy`

mod bridge;

use bevy_ecs::prelude::{
    Commands, Component as BevyComponent, Entity as BevyEntity, IntoScheduleConfigs, Query, ResMut, Resource, Schedule,
    With, World as BevyWorld,
};
use worldstore::blocking::{Run, World, WorldTables};
use worldstore::ecs::{Component, Entities};
use worldstore::{Result, WorldOptions};

use bridge::Bridge;

const STEPS: i64 = 40;
const WIDTH: f32 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, BevyComponent, Component)]
#[worldstore(crate = worldstore::ecs, name = "position")]
struct Position {
    x: f32,
    y: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, BevyComponent, Component)]
#[worldstore(crate = worldstore::ecs, name = "velocity")]
struct Velocity {
    x: f32,
    y: f32,
}

/// A ball bursts at the end of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, BevyComponent, Component)]
#[worldstore(crate = worldstore::ecs, name = "life")]
struct Life(u32);

/// It touched a wall in this step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BevyComponent, Component)]
#[worldstore(crate = worldstore::ecs, name = "bounced")]
struct Bounced;

/// What never moves: no tick has more than one row for it.
#[derive(Debug, Clone, PartialEq, Eq, BevyComponent, Component)]
#[worldstore(crate = worldstore::ecs, name = "wall")]
struct Wall {
    name: String,
}

/// How often the dice were thrown: kept as well, so that a world that goes on throws the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Resource, Component)]
#[worldstore(crate = worldstore::ecs, name = "dice")]
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn fall(mut balls: Query<(&mut Position, &mut Velocity)>) {
    for (mut position, mut velocity) in &mut balls {
        velocity.y -= 1.0;
        position.x += velocity.x;
        position.y += velocity.y;
    }
}

fn bounce(mut commands: Commands, mut balls: Query<(BevyEntity, &mut Position, &mut Velocity)>) {
    for (ball, mut position, mut velocity) in &mut balls {
        let is_outside = !(0.0..=WIDTH).contains(&position.x) || position.y < 0.0;
        if is_outside {
            (velocity.x, velocity.y) = (-velocity.x, velocity.y.abs());
            (position.x, position.y) = (position.x.clamp(0.0, WIDTH), position.y.max(0.0));
            commands.entity(ball).insert(Bounced);
        }
    }
}

fn rest(mut commands: Commands, bounced: Query<BevyEntity, With<Bounced>>) {
    for ball in &bounced {
        commands.entity(ball).remove::<Bounced>();
    }
}

fn age(mut commands: Commands, mut balls: Query<(BevyEntity, &mut Life)>) {
    for (ball, mut life) in &mut balls {
        match life.0 {
            0 => commands.entity(ball).despawn(),
            left => life.0 = left - 1,
        }
    }
}

fn throw(mut commands: Commands, mut dice: ResMut<Dice>) {
    for _ in 0..3 {
        let position = Position { x: dice.throw(100) as f32, y: 50.0 };
        let velocity = Velocity { x: dice.throw(9) as f32 - 4.0, y: 0.0 };
        let life = Life(5 + dice.throw(20) as u32);
        commands.spawn((position, velocity, life));
    }
}

fn steps() -> Schedule {
    let mut schedule = Schedule::default();
    schedule.add_systems((rest, age, fall, bounce, throw).chain());
    schedule
}

fn kept() -> Bridge<WorldTables> {
    let bridge = Bridge::new().component::<Position>().component::<Velocity>().component::<Life>();
    bridge.component::<Bounced>().component::<Wall>().resource::<Dice>()
}

/// A world of bevy whose every step becomes a tick of a run.
fn play(run: &Run) -> Result<BevyWorld> {
    let mut world = BevyWorld::new();
    world.insert_resource(Dice(7));
    world.spawn_batch(["left", "right", "floor"].map(|name| Wall { name: name.to_owned() }));
    let (mut bridge, mut entities) = (kept(), Entities::new(WorldTables::open(run)?));
    go_on(&mut world, &mut bridge, &mut entities, STEPS)?;
    Ok(world)
}

fn go_on(
    world: &mut BevyWorld,
    bridge: &mut Bridge<WorldTables>,
    entities: &mut Entities<WorldTables>,
    count: i64,
) -> Result<()> {
    let mut schedule = steps();
    for _ in 0..count {
        schedule.run(world);
        bridge.save(world, entities)?;
    }
    Ok(())
}

/// All balls that there are, in an order of their own.
fn balls(world: &mut BevyWorld) -> Vec<(Position, Velocity, Life, bool)> {
    let mut query = world.query::<(&Position, &Velocity, &Life, Option<&Bounced>)>();
    let each = |(position, velocity, life, bounced): (&Position, &Velocity, &Life, Option<&Bounced>)| {
        (*position, *velocity, *life, bounced.is_some())
    };
    let mut balls: Vec<_> = query.iter(world).map(each).collect();
    balls.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    balls
}

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> Result<()> {
    // A path in the place of `memory:` keeps the world, with feature `lance` or `iceberg` of worldstore.
    let world = World::create("memory:", &WorldOptions::default())?;
    let run = world.run("main")?;
    let mut played = play(&run)?;
    println!("after {STEPS} steps: {} balls", balls(&mut played).len());

    // Any tick is a world of bevy again.
    let half = STEPS / 2;
    let (mut then, mut bridge) = (BevyWorld::new(), kept());
    bridge.load(&mut then, &Entities::new(WorldTables::at(&run.as_of(half))?))?;
    println!("after {half} steps there were {}", balls(&mut then).len());

    // And goes on from there in a run of its own: with other dice it becomes another world.
    let mut entities = Entities::new(WorldTables::open(&run.fork("what-if", half)?)?);
    then.insert_resource(Dice(8));
    go_on(&mut then, &mut bridge, &mut entities, half)?;
    println!("with other dice from there, {}", balls(&mut then).len());

    // What is written is what changed: the walls have the row that they got in the first tick.
    let walls = entities.storage().table_of(&["wall"]).map(ToString::to_string).unwrap_or_default();
    println!("{walls} has {} rows after {STEPS} ticks", run.now().count(&walls)?);
    Ok(())
}

#[cfg(test)]
mod tests;
